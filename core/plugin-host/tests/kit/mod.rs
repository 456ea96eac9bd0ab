//! What the tests of the sandbox share: a host, inputs, and components written by hand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use sunlit_plugin_host::{
    ArtefactCache, Data, Grants, HostConfig, Lane, Limits, LoadedPlugin, PluginHost, Ports, Token,
};

pub(crate) use sunlit_plugin_host::CallInput;

pub(crate) const NOW: i64 = 1_795_392_000_000_000;

/// A small host that keeps compiled components between tests.
pub(crate) fn host() -> PluginHost {
    let cache = ArtefactCache::open(concat!(env!("CARGO_TARGET_TMPDIR"), "/artefacts"), &[3; 32]).unwrap();
    PluginHost::new(&HostConfig { slots: 16, threads: Some(2), ..HostConfig::default() }, Some(cache)).unwrap()
}

pub(crate) fn load(host: &PluginHost, component: &[u8]) -> LoadedPlugin {
    host.load(&host.compile(component).unwrap(), &Grants::all()).unwrap()
}

pub(crate) fn input(lane: &Lane, field: &str, args: Data) -> CallInput {
    CallInput {
        lane: lane.clone(),
        field: field.to_owned(),
        args,
        parents: list([Token::Null]),
        ports: Ports::default(),
        now_micros: NOW,
        limits: patient(),
        deadline: None,
    }
}

/// The limits of a query, without its clock: on a busy machine a test must not depend on time.
pub(crate) fn patient() -> Limits {
    Limits { wall_clock: Duration::from_secs(60), ..Limits::query() }
}

/// A list of scalars.
pub(crate) fn list(values: impl IntoIterator<Item = Token>) -> Data {
    let values: Vec<Token> = values.into_iter().collect();
    let count = u32::try_from(values.len()).unwrap();
    Data { shapes: Vec::new(), tokens: std::iter::once(Token::Items(count)).chain(values).collect() }
}

/// An object of one field, or of none.
pub(crate) fn object(field: Option<(&str, Token)>) -> Data {
    let (names, values): (Vec<_>, Vec<_>) = field.map(|(name, value)| (name.to_owned(), value)).into_iter().unzip();
    Data { shapes: vec![names], tokens: std::iter::once(Token::Object(0)).chain(values).collect() }
}

/// A component whose `resolve` is written by hand: the body of a function without parameters that gives the address of
/// the answer. Memory has the answer "a list of one null" at 256; `$answer` is its address, and `module` is put into
/// the core module as it is.
pub(crate) fn resolver(body: &str, module: &str) -> Vec<u8> {
    let text = RESOLVER.replace("BODY", body).replace("MODULE", module);
    wat::parse_str(text).unwrap()
}

const RESOLVER: &str = r#"
(component
  (import "sunlit:types/common@0.1.0" (instance $types
    (type $geo' (record (field "lat-e6" s32) (field "lng-e6" s32)))
    (export "geo-point" (type $geo (eq $geo')))
    (type $decimal' (record (field "unscaled" s64) (field "scale" u8)))
    (export "decimal" (type $decimal (eq $decimal')))
    (type $token' (variant (case "null") (case "boolean" bool) (case "int" s64) (case "decimal" $decimal)
      (case "text" string) (case "point" $geo) (case "items" u32) (case "object" u32)))
    (export "token" (type $token (eq $token')))
    (type $shape (list string))
    (type $data' (record (field "shapes" (list $shape)) (field "tokens" (list $token))))
    (export "data" (type $data (eq $data')))
    (type $error' (variant (case "denied" string) (case "not-found" string) (case "invalid" string)
      (case "limit" string) (case "unavailable" string) (case "other" (tuple u32 string))))
    (export "error" (type $error (eq $error')))))
  (alias export $types "data" (type $data))
  (alias export $types "error" (type $error))
  (core module $m
    (memory (export "memory") 16)
    ;; Addresses of lists that the host copies in.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 524288))
    ;; At 256 `ok`, no shapes, two tokens at 288: items(1), null.
    (data (i32.const 256) "\00\00\00\00" "\00\00\00\00" "\00\00\00\00" "\20\01\00\00" "\02\00\00\00")
    (data (i32.const 288) "\06\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\00")
    (global $answer i32 (i32.const 256))
    MODULE
    (func (export "resolve") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) BODY))
  (core instance $i (instantiate $m))
  (type $request' (record (field "field" string) (field "args" $data) (field "parents" $data)))
  (export $request "request" (type $request'))
  (func $resolve (param "request" $request) (result (result $data (error $error)))
    (canon lift (core func $i "resolve") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (instance $graphql (export "request" (type $request)) (export "resolve" (func $resolve)))
  (export "sunlit:plugin/graphql@0.1.0" (instance $graphql)))
"#;

/// Waits until a condition holds; a test that waits for ever is ended by the runner.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}
