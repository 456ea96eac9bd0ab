//! The measurement of the engine in a small edition: every figure is printed, and is a positive number.

use std::collections::BTreeMap;
use std::process::Command;

const OPERATIONS: [&str; 5] = ["list", "nested", "aggregate", "insert", "bulk"];
const CONTENDERS: [&str; 3] = ["graphql", "hand_written", "raw"];
const LOADS: [(&str, &[&str]); 2] =
    [("import", &["hand_written", "hand_written_with_events", "raw"]), ("export", &["hand_written", "raw"])];

/// The figures that must be printed, each with its unit.
fn expected() -> BTreeMap<String, &'static str> {
    let mut expected = BTreeMap::new();
    let mut contender = |name: String| {
        for (figure, unit) in [("p50", "us"), ("p99", "us"), ("cpu", "us"), ("rate", "calls/s")] {
            expected.insert(format!("engine.{name}.{figure}"), unit);
        }
    };
    contender("harness".to_owned());
    for operation in OPERATIONS {
        CONTENDERS.iter().for_each(|who| contender(format!("{operation}.{who}")));
    }
    contender("list.use_case".to_owned());
    contender("insert.use_case".to_owned());
    for operation in OPERATIONS {
        for figure in
            ["to_hand_written.cpu", "to_hand_written.cpu_net", "to_hand_written.p50", "to_raw.cpu", "to_raw.p50"]
        {
            expected.insert(format!("engine.{operation}.{figure}"), "%");
        }
    }
    for (load, others) in LOADS {
        for who in others.iter().chain(&["sunlit"]) {
            for (figure, unit) in [("seconds", "s"), ("rows", "rows/s"), ("cpu", "s"), ("peak_growth", "MiB")] {
                expected.insert(format!("engine.{load}.{who}.{figure}"), unit);
            }
        }
        for other in others {
            for figure in ["seconds", "cpu"] {
                expected.insert(format!("engine.{load}.sunlit.to_{other}.{figure}"), "%");
            }
        }
    }
    expected
}

#[test]
fn the_engine_is_measured_to_the_last_figure() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Command::new(env!("CARGO_BIN_EXE_sunlit"));
    bench.args(["bench", "engine", "--rounds", "2", "--rows", "300"]).current_dir(folder.path());
    let done = bench.env("TMPDIR", folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    let mut printed = BTreeMap::new();
    for line in text.lines() {
        let [name, value, unit] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("`{line}` is no figure") };
        let value: f64 = value.parse().unwrap();
        // So few rows may find room in memory that is there, and a call may cost no more than the harness does.
        let may_be_nothing = name.ends_with(".peak_growth") || name.ends_with(".cpu_net");
        assert!(value.is_finite() && (value > 0.0 || may_be_nothing), "{line}");
        assert!(printed.insert(name.to_owned(), unit).is_none(), "{name} is printed twice");
    }
    assert_eq!(printed, expected());
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "something stays behind");
}

/// In a small edition, which says nothing of the machine: every figure is there, nothing fails, and a storm is refused.
#[test]
fn many_tenants_and_a_storm_are_measured_to_the_last_figure() {
    let run = |name: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Command::new(env!("CARGO_BIN_EXE_sunlit"));
        bench.args(["bench", name, "--rows", "1000", "--stage", "1"]).current_dir(folder.path());
        let done = bench.env("TMPDIR", folder.path()).output().unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "something stays behind");
        let text = String::from_utf8(done.stdout).unwrap();
        println!("{text}");
        let figure = |line: &str| {
            let [name, value, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("`{line}` is no figure") };
            (name.to_owned(), value.parse::<f64>().unwrap())
        };
        text.lines().map(figure).collect::<BTreeMap<_, _>>()
    };
    let mixed = run("mixed");
    assert!(mixed["mixed.clients_8.rate"] > 0.0 && mixed["mixed.best.failed"] <= 0.0, "{mixed:?}");
    let fairness = run("fairness");
    assert!(fairness["fairness.to_quiet"] > 0.0 && fairness["fairness.storm.refused"] > 0.0, "{fairness:?}");
    assert!(fairness["fairness.without_limits.storm.refused"] <= 0.0, "{fairness:?}");
}

#[test]
fn more_rows_than_one_import_takes_are_refused() {
    for rows in ["99", "100001", "-1", "many"] {
        let done =
            Command::new(env!("CARGO_BIN_EXE_sunlit")).args(["bench", "engine", "--rows", rows]).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{rows}: {}", String::from_utf8_lossy(&done.stdout));
    }
}

/// A database that would be found out at once: nobody listens there.
#[test]
fn what_is_measured_on_files_never_touches_the_configured_database() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = "postgres://sunlit_app@127.0.0.1:1/sunlit";
    for name in ["graphql", "start"] {
        let mut bench = Command::new(env!("CARGO_BIN_EXE_sunlit"));
        bench.args(["bench", name, "--rounds", "1"]).current_dir(folder.path()).env("TMPDIR", folder.path());
        bench.env("SUNLIT_DATABASE", nobody).env("SUNLIT_MIGRATOR_DATABASE", nobody);
        let done = bench.output().unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
