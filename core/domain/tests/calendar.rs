//! The working-day calendar and periods against the vectors of law, and against an independent count day by day.
#![expect(clippy::unwrap_used, reason = "tests")]

mod brute_force;

use brute_force::{Case, Days, Random};
use sunlit_domain::calendar::deadline::{DeadlineError, Period, Unit};
use sunlit_domain::calendar::{Calendar, LocalDay, Overlay};
use sunlit_domain::value::Date;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Received; due after 7, 15, 20 and 20+20 working days; and what two common mistakes answer for 20: weekends only, and days
/// off without make-up workdays.
const VECTORS: [[&str; 7]; 5] = [
    ["2025-01-10", "2025-01-21", "2025-02-07", "2025-02-13", "2025-03-13", "2025-02-07", "2025-02-17"],
    ["2025-04-18", "2025-04-28", "2025-05-13", "2025-05-20", "2025-06-18", "2025-05-16", "2025-05-21"],
    ["2025-09-15", "2025-09-24", "2025-10-11", "2025-10-17", "2025-11-14", "2025-10-13", "2025-10-21"],
    ["2026-01-30", "2026-02-10", "2026-02-27", "2026-03-05", "2026-04-02", "2026-02-27", "2026-03-09"],
    ["2026-04-24", "2026-05-08", "2026-05-19", "2026-05-26", "2026-06-24", "2026-05-22", "2026-05-27"],
];

#[test]
fn periods_end_on_the_days_that_the_law_means() {
    let calendar = Calendar::national();
    for [received, seven, fifteen, twenty, extended, ..] in VECTORS {
        for (n, expect) in [(7, seven), (15, fifteen), (20, twenty)] {
            let counted = calendar.add_working_days(day(received), n).unwrap();
            assert_eq!((counted.date, counted.provisional), (day(expect), false), "{received} + {n}");
            let period = Period::new(day(received), n, Unit::WorkingDays);
            assert_eq!(period.due(&calendar), Ok(Some(counted)), "{received} + {n}");
            assert_eq!(calendar.working_days_between(day(received), counted.date), i64::from(n));
        }
        let mut period = Period::new(day(received), 20, Unit::WorkingDays);
        period.extend(20).unwrap();
        assert_eq!(period.due(&calendar).unwrap().unwrap().date, day(extended), "{received} + 20 + 20");
    }
}

#[test]
fn counting_weekends_only_or_leaving_out_make_up_workdays_gives_other_days() {
    for [received, .., twenty, _, weekends, no_make_up] in VECTORS {
        assert_eq!(brute_force::count(day(received), 20, Days::WeekendsOnly), day(weekends), "{received}");
        assert_eq!(brute_force::count(day(received), 20, Days::WithoutMakeUp), day(no_make_up), "{received}");
        assert!(twenty != weekends && twenty != no_make_up, "{received}");
    }
}

/// Received 2025-09-15, third party asked 09-19 (its own 15 working days end 10-16), answered 10-11: Art. 32 and 33.
#[test]
fn the_time_of_asking_a_third_party_is_not_counted() {
    let calendar = Calendar::national();
    let mut period = Period::new(day("2025-09-15"), 20, Unit::WorkingDays);
    let before = period.days_left(&calendar, day("2025-09-19"));
    period.pause(day("2025-09-19")).unwrap();
    assert_eq!(period.due(&calendar), Ok(None));
    assert_eq!(period.days_left(&calendar, day("2025-10-10")), before);
    period.resume(day("2025-10-11")).unwrap();
    assert_eq!(period.excluded(&calendar, day("2025-10-11")), 11);
    assert_eq!(period.due(&calendar).unwrap().unwrap().date, day("2025-11-03"));
    let third_party = Period::new(day("2025-09-19"), 15, Unit::WorkingDays);
    assert_eq!(third_party.due(&calendar).unwrap().unwrap().date, day("2025-10-16"));
}

#[test]
fn a_year_has_as_many_working_days_as_the_notices_leave() {
    let calendar = Calendar::national();
    for (last_year, year_end, expect) in [("2024-12-31", "2025-12-31", 248), ("2025-12-31", "2026-12-31", 248)] {
        assert_eq!(calendar.working_days_between(day(last_year), day(year_end)), expect, "{year_end}");
        assert_eq!(calendar.working_days_between(day(year_end), day(last_year)), -expect, "{year_end}");
    }
    let make_up = [
        "2025-01-26",
        "2025-02-08",
        "2025-04-27",
        "2025-09-28",
        "2025-10-11",
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ];
    for date in make_up {
        assert!(calendar.is_working_day(day(date)) && day(date).is_weekend(), "{date}");
    }
    for date in ["2025-01-28", "2025-10-01", "2026-01-01", "2026-11-22"] {
        assert!(!calendar.is_working_day(day(date)), "{date}");
    }
}

#[test]
fn what_reaches_into_a_year_without_a_notice_is_provisional() {
    let calendar = Calendar::national();
    let check = |from: &str, n, provisional| {
        let counted = calendar.add_working_days(day(from), n).unwrap();
        assert_eq!(counted.provisional, provisional, "{from} + {n} = {}", counted.date);
    };
    check("2026-11-23", 20, false);
    check("2026-12-01", 20, true);
    check("2025-12-15", 20, false);
    check("2014-06-02", 5, true);
    let in_days = Period::new(day("2026-12-20"), 30, Unit::Days).due(&calendar).unwrap().unwrap();
    assert_eq!((in_days.date, in_days.provisional), (day("2027-01-19"), false));
}

fn local(date: &str, off: bool) -> LocalDay {
    LocalDay { date: day(date), name: "地方规定".to_owned(), off }
}

/// 全国年节及纪念日放假办法 Art. 4: ethnic areas have holidays of their own.
#[test]
fn a_tenants_own_days_win_over_the_national_ones_and_change_the_digest() {
    let national = Calendar::national();
    let overlay = Overlay::new(vec![local("2026-03-20", true), local("2026-03-22", false)]).unwrap();
    let tenant = Calendar::new(overlay);
    assert!(!tenant.is_working_day(day("2026-03-20")) && tenant.is_working_day(day("2026-03-22")));
    let due = |calendar: &Calendar, n| calendar.add_working_days(day("2026-03-19"), n).unwrap().date;
    assert_eq!((due(&national, 1), due(&tenant, 1)), (day("2026-03-20"), day("2026-03-22")));
    assert_eq!((due(&national, 2), due(&tenant, 2)), (day("2026-03-23"), day("2026-03-23")));
    assert_ne!(national.digest(), tenant.digest());
    assert_eq!(national.digest(), Calendar::national().digest());
    assert_eq!(national.digest().len(), 64);
}

#[test]
fn a_period_is_paused_resumed_extended_and_restarted_in_order_only() {
    let mut period = Period::new(day("2026-03-02"), 20, Unit::WorkingDays);
    assert_eq!(period.resume(day("2026-03-03")), Err(DeadlineError::Running));
    assert_eq!(period.pause(day("2026-03-01")), Err(DeadlineError::Backwards));
    assert_eq!(period.pause(day("2026-03-04")), Ok(()));
    assert_eq!(period.pause(day("2026-03-05")), Err(DeadlineError::Paused));
    assert_eq!(period.resume(day("2026-03-03")), Err(DeadlineError::Backwards));
    assert_eq!(period.resume(day("2026-03-06")), Ok(()));
    assert_eq!(period.pause(day("2026-03-05")), Err(DeadlineError::Backwards));
    assert_eq!((period.extend(20), period.extend(1)), (Ok(()), Err(DeadlineError::Extended)));
    // Art. 30: the period begins anew with the corrected request.
    period = Period::new(day("2026-03-09"), period.days, period.unit);
    assert_eq!(period, Period::new(day("2026-03-09"), 20, Unit::WorkingDays));
    assert_eq!(Period::new(day("9999-12-01"), 60, Unit::Days).due(&Calendar::national()), Err(DeadlineError::TooFar));
}

#[test]
fn warnings_come_so_many_working_days_before_the_last_day() {
    let calendar = Calendar::national();
    let period = Period::new(day("2025-09-15"), 20, Unit::WorkingDays);
    let due = period.due(&calendar).unwrap().unwrap().date;
    for (before, expect) in [(0, "2025-10-17"), (1, "2025-10-16"), (5, "2025-10-12"), (6, "2025-10-10")] {
        let warned = period.warning(&calendar, due, before);
        assert_eq!(period.days_left(&calendar, warned), i64::from(before), "{before}");
        assert_eq!(warned, day(expect), "{before}");
    }
    assert_eq!(period.warning(&calendar, due, 900), day("2025-09-15"));
}

#[test]
fn days_left_count_down_to_the_last_day_and_below() {
    let calendar = Calendar::national();
    let period = Period::new(day("2025-09-15"), 20, Unit::WorkingDays);
    for (today, left) in
        [("2025-09-15", 20), ("2025-09-16", 19), ("2025-10-17", 0), ("2025-10-18", 0), ("2025-10-20", -1)]
    {
        assert_eq!(period.days_left(&calendar, day(today)), left, "{today}");
    }
}

#[test]
fn the_calendar_agrees_with_an_independent_count_on_random_cases() {
    const CASES: u32 = 100_000;
    let mut random = Random::new(20_260_101);
    let (mut checked, mut paused, mut with_local_days) = (0_u32, 0_u32, 0_u32);
    for number in 0..CASES {
        let case = Case::random(&mut random);
        let due = case.period().due(&case.calendar()).unwrap().unwrap().date;
        assert_eq!(due, case.brute_force(), "case {number}: {case:?}");
        if case.is_plain() {
            let added = case.calendar().add_working_days(case.starts_on, case.days).unwrap().date;
            assert_eq!(added, due, "case {number}: {case:?}");
        }
        let left = case.period().days_left(&case.calendar(), due);
        assert_eq!(left, 0, "case {number}: {case:?}");
        checked += 1;
        paused += u32::from(!case.pauses.is_empty());
        with_local_days += u32::from(!case.local.is_empty());
    }
    println!("{checked} cases checked, {paused} with pauses, {with_local_days} with local days");
    assert_eq!(checked, CASES);
    assert!(paused > CASES / 4 && with_local_days > CASES / 4);
}
