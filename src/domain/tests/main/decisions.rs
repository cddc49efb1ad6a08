//! What people decide about reads, and what counts then.

use commonwatt_domain::metering::{Decisions, ReadDecision};

use crate::table::{at, check, elmore_house, kwh};

fn decided(time: &str, value: &str, decision: ReadDecision) -> Decisions {
    let mut decisions = Decisions::none();
    decisions.decide(at(time), kwh(value), decision);
    decisions
}

#[test]
fn accepted_jump_carries_on() {
    let accept = decided("01 10:30", "6000.00", ReadDecision::Accept);
    check(
        &elmore_house(),
        &accept,
        "01 10:00  1000.00  accepted
         01 10:30  6000.00  accepted jump_above_ceiling
         01 11:00  6010.00  accepted
         = 5010",
    );
}

#[test]
fn accepting_a_lower_read_breaks_the_chain_and_makes_no_energy() {
    let accept = decided("01 11:00", "5", ReadDecision::Accept);
    let judged = check(
        &elmore_house(),
        &accept,
        "01 10:00  1000  accepted
         01 11:00  5     accepted fell
         01 12:00  15    accepted
         = 10",
    );
    assert!(!judged.points[1].joined);
}

#[test]
fn corrected_value_takes_the_place_of_the_held_one() {
    let correct = decided("01 11:00", "31044", ReadDecision::Correct(kwh("310440.00")));
    let judged = check(
        &elmore_house(),
        &correct,
        "01 10:00  310430.00    accepted
         01 11:00  31044.00     accepted fell decimal_slip
         01 12:00  310445.00    accepted
         = 15",
    );
    assert_eq!(judged.reads[1].counts_as, Some(kwh("310440")));
    assert_eq!(judged.points[1].wh, kwh("310440"));
    assert_eq!(judged.points[1].quality.word(), "manual");
}

#[test]
fn first_read_that_was_wrong_can_be_refused_afterwards() {
    let table = "01 10:00  90000  accepted
                 01 11:00  1000   held fell
                 01 12:00  1010   held fell
                 = 0";
    check(&elmore_house(), &Decisions::none(), table);
    let refuse = decided("01 10:00", "90000", ReadDecision::Refuse);
    check(
        &elmore_house(),
        &refuse,
        "01 10:00  90000  refused
         01 11:00  1000   accepted
         01 12:00  1010   accepted
         = 10",
    );
}

#[test]
fn two_values_for_one_instant_are_held_until_one_is_accepted() {
    check(
        &elmore_house(),
        &Decisions::none(),
        "01 10:00  1000  accepted
         01 11:00  1010  held conflicting_duplicate
         01 11:00  1011  held conflicting_duplicate
         01 12:00  1020  accepted
         = 20",
    );
    let accept = decided("01 11:00", "1011", ReadDecision::Accept);
    let judged = check(
        &elmore_house(),
        &accept,
        "01 10:00  1000  accepted
         01 11:00  1010  refused conflicting_duplicate
         01 11:00  1011  accepted
         01 12:00  1020  accepted
         = 20",
    );
    assert_eq!(judged.points[1].wh, kwh("1011"));
    // Refusing one leaves the other to be judged by itself.
    let refuse = decided("01 11:00", "1011", ReadDecision::Refuse);
    check(
        &elmore_house(),
        &refuse,
        "01 10:00  1000  accepted
         01 11:00  1010  accepted
         01 11:00  1011  refused
         01 12:00  1020  accepted
         = 20",
    );
    // Two accepted values contradict each other: nothing is guessed.
    let mut both = accept.clone();
    both.decide(at("01 11:00"), kwh("1010"), ReadDecision::Accept);
    check(
        &elmore_house(),
        &both,
        "01 10:00  1000  accepted
         01 11:00  1010  held conflicting_duplicate
         01 11:00  1011  held conflicting_duplicate
         01 12:00  1020  accepted
         = 20",
    );
}
