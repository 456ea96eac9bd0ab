//! Fields that answer something else than the manifest says. Two write their tokens by hand, because the SDK refuses.

use sunlit_plugin_sdk::tokens::Token;
use sunlit_plugin_sdk::{Data, Error, Host, NoArgs, Request};

/// Is declared a whole number, and answers text.
pub(crate) fn wrong_type(_host: &Host, _: NoArgs) -> Result<String, Error> {
    Ok("不是整数".to_owned())
}

/// Answers two values for one parent.
pub(crate) fn wrong_length(_host: &Host, _: Request) -> Result<Data, Error> {
    Ok(Data { shapes: Vec::new(), tokens: vec![Token::Items(2), Token::Int(1), Token::Int(2)] })
}

/// Promises two thousand million values, and sends none.
pub(crate) fn lying_items(_host: &Host, _: Request) -> Result<Data, Error> {
    Ok(Data { shapes: Vec::new(), tokens: vec![Token::Items(1), Token::Items(1 << 31)] })
}
