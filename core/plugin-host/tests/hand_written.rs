//! Components that no SDK would write: what the host makes of lies at the border.
#![expect(clippy::unwrap_used, reason = "tests")]

mod kit;

use kit::{host, input, list, load, object, patient, resolver};
use sunlit_plugin_host::{Blame, Budget, CallReport, Limits, Outcome, Token};

async fn call_with(body: &str, module: &str, limits: Limits) -> CallReport {
    let host = host();
    let plugin = load(&host, &resolver(body, module));
    let input = input(&host.lane("t", "p"), "any", object(None));
    plugin.resolve(kit::CallInput { limits, ..input }).await
}

async fn call(body: &str, module: &str) -> CallReport {
    call_with(body, module, patient()).await
}

/// An answer `ok` with these lengths and addresses.
fn answer(shapes: (u32, u32), tokens: (u32, u32)) -> String {
    let word = |value: u32| value.to_le_bytes().map(|byte| format!("\\{byte:02x}")).concat();
    let words = [0, shapes.0, shapes.1, tokens.0, tokens.1].map(word).concat();
    format!("(data (i32.const 256) \"{words}\")")
}

#[tokio::test]
async fn an_honest_answer_arrives() {
    let report = call("(global.get $answer)", "").await;
    assert_eq!(report.outcome, Outcome::Ok(list([Token::Null])));
    assert_eq!(report.blame, None);
    assert_eq!(report.used.memory_bytes, 1 << 20);
    assert!(report.used.fuel > 0 && report.used.fuel < 100, "{:?}", report.used);
}

#[tokio::test]
async fn addresses_outside_the_memory_are_bad_output() {
    let outside = [("(i32.const -4)", ""), ("(i32.const 1048570)", ""), ("(i32.const 257)", "")];
    for (body, module) in outside {
        let report = call(body, module).await;
        assert!(matches!(report.outcome, Outcome::BadOutput(_)), "{body}: {:?}", report.outcome);
        assert_eq!(report.blame, Some(Blame::Guest));
    }
    for lie in [answer((0, 0), (0xffff_fff0, 1)), answer((0xffff_fffc, 1), (288, 2)), answer((0, 0), (288, 2_000_000))]
    {
        let report = call("(global.get $answer)", &lie).await;
        assert!(matches!(report.outcome, Outcome::BadOutput(_)), "{lie}: {:?}", report.outcome);
    }
}

#[tokio::test]
async fn a_token_that_does_not_exist_is_bad_output() {
    let report = call("(global.get $answer)", "(data (i32.const 312) \"\\09\")").await;
    assert!(matches!(report.outcome, Outcome::BadOutput(_)), "{:?}", report.outcome);
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_bad_output() {
    let token = "(data (i32.const 312) \"\\04\\00\\00\\00\\00\\00\\00\\00\\00\\20\\00\\00\\01\\00\\00\\00\") (data (i32.const 8192) \"\\ff\")";
    let report = call("(global.get $answer)", token).await;
    assert!(matches!(report.outcome, Outcome::BadOutput(_)), "{:?}", report.outcome);
}

#[tokio::test]
async fn shapes_count_as_what_they_cost_the_host() {
    // 100,000 empty shapes: 800 kB of the plugin's memory, 2.4 MB of the host's.
    let report = call("(global.get $answer)", &answer((0, 100_000), (288, 2))).await;
    assert_eq!(report.outcome, Outcome::LimitExceeded(Budget::OutputBytes));
}

#[tokio::test]
async fn too_many_tokens_for_the_budget_are_refused_before_they_are_copied() {
    // 43,000 tokens are a little less than 1 MiB, 44,000 a little more.
    let within = call("(global.get $answer)", &answer((0, 0), (0, 43_000))).await;
    assert!(matches!(within.outcome, Outcome::BadOutput(_)), "{:?}", within.outcome);
    let limits = Limits { output_bytes: 1 << 19, ..patient() };
    let checked = call_with("(global.get $answer)", &answer((0, 0), (0, 43_000)), limits).await;
    assert_eq!(checked.outcome, Outcome::LimitExceeded(Budget::OutputBytes));
    let limits = Limits { hostcall_fuel: 1 << 19, ..patient() };
    let refused = call_with("(global.get $answer)", &answer((0, 0), (0, 43_000)), limits).await;
    assert_eq!(refused.outcome, Outcome::LimitExceeded(Budget::OutputBytes));
    assert_eq!(refused.used.output_bytes, 0);
}

#[tokio::test]
async fn a_memory_that_starts_too_large_is_out_of_memory() {
    let limits = Limits { memory_bytes: 15 << 16, ..patient() };
    let report = call_with("(global.get $answer)", "", limits).await;
    assert_eq!((report.outcome, report.blame), (Outcome::OutOfMemory, Some(Blame::Guest)));
}

#[tokio::test]
async fn a_plugin_that_lives_with_a_refusal_of_memory_may_answer() {
    let report = call("(drop (memory.grow (i32.const 512))) (global.get $answer)", "").await;
    assert!(matches!(report.outcome, Outcome::Ok(_)), "{:?}", report.outcome);
    assert_eq!(report.used.memory_bytes, 1 << 20);
}

#[tokio::test]
async fn a_start_function_is_metered_like_the_call() {
    let report = call("(global.get $answer)", "(func $s (loop (br 0))) (start $s)").await;
    assert_eq!(report.outcome, Outcome::LimitExceeded(Budget::Fuel));
    let report = call("(global.get $answer)", "(func $s unreachable) (start $s)").await;
    assert!(matches!(report.outcome, Outcome::Trapped(_)), "{:?}", report.outcome);
}

#[tokio::test]
async fn wild_accesses_are_traps() {
    for (body, word) in [
        ("(i32.load (i32.const -1))", "out of bounds"),
        ("(i32.div_s (i32.const 1) (i32.const 0))", "divide by zero"),
        ("unreachable", "unreachable"),
    ] {
        let report = call(body, "").await;
        assert!(matches!(&report.outcome, Outcome::Trapped(message) if message.contains(word)), "{:?}", report.outcome);
        assert_eq!(report.blame, Some(Blame::Guest));
    }
}

#[tokio::test]
async fn a_table_does_not_grow_without_bound() {
    let report = call(
        "(if (i32.ne (table.grow $t (ref.null func) (i32.const 30000)) (i32.const -1)) (then unreachable)) (global.get $answer)",
        "(table $t 1 funcref)",
    )
    .await;
    assert!(matches!(report.outcome, Outcome::Ok(_)), "{:?}", report.outcome);
}

#[tokio::test]
async fn parents_that_are_no_list_are_the_callers_fault() {
    let host = host();
    let plugin = load(&host, &resolver("(global.get $answer)", ""));
    let input = input(&host.lane("t", "p"), "any", object(None));
    let report = plugin.resolve(kit::CallInput { parents: object(None), ..input }).await;
    assert!(matches!(report.outcome, Outcome::Unavailable(_)));
    assert_eq!(report.blame, Some(Blame::Host));
}

#[tokio::test]
async fn a_name_of_megabytes_does_not_become_a_message_of_megabytes() {
    let name = "n".repeat(1 << 20);
    let report = call(&format!("(call ${name}) (unreachable)"), &format!("(func ${name} unreachable)")).await;
    let Outcome::Trapped(message) = report.outcome else { panic!("{:?}", report.outcome) };
    assert!(message.starts_with("wasm trap: wasm `unreachable` instruction executed\n"), "{}", &message[..80]);
    assert_eq!(message.len(), 4_096);
}
