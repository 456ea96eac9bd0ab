//! x.
/// x
pub async fn run(_c:crate::config::Config,_a:&sunlit_domain::ScopeAuthority)->Result<(),crate::command::Failed>{Ok(())}
