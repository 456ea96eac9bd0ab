//! Plugin bench.
/// x
pub async fn run(_c:&crate::config::Config,_r:usize)->Result<(),crate::command::Failed>{Ok(())}
