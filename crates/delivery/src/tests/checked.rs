//! The checker sees what it is there for. Deliveries that are wrong are given to it in `tests/cli`.

use super::checker::{Good, Order, Outcome, Promise, Told, Tree};

fn tree(number: u64) -> Tree {
    Tree::from([("/f".to_owned(), number.to_string().into_bytes())])
}

fn right() -> Outcome {
    let good = |archive| Good {
        commit: format!("c{archive}"),
        archive,
        tree: tree(archive),
    };
    Outcome {
        good: (1..=3).map(good).collect(),
        open: 0,
        acknowledged: (1..=3).map(|archive| (archive, format!("c{archive}"))).collect(),
    }
}

fn check(outcome: &Outcome, order: Order, told: Told) -> Result<(), String> {
    let promise = Promise {
        archives: 3,
        tree: &tree,
        order,
        told,
    };
    promise.check(outcome)
}

#[test]
fn what_was_promised_passes() {
    check(&right(), Order::AsSent, Told::Once).unwrap();
}

#[test]
fn everything_else_is_caught() {
    type Spoil = fn(&mut Outcome);
    let wrong: &[(&str, Spoil)] = &[
        ("doubled", |outcome| outcome.good.push(outcome.good[2].clone())),
        ("lost", |outcome| drop(outcome.good.pop())),
        ("nothing there", |outcome| *outcome = Outcome::default()),
        ("another tree", |outcome| outcome.good[1].tree = tree(7)),
        ("a file more", |outcome| {
            outcome.good[1].tree.insert("/g".to_owned(), Vec::new());
        }),
        ("another number", |outcome| outcome.good[1].archive = 7),
        ("open", |outcome| outcome.open = 1),
        ("not acknowledged", |outcome| drop(outcome.acknowledged.pop())),
        ("acknowledged as another", |outcome| {
            outcome.acknowledged[1].1 = "c1".to_owned();
        }),
        ("acknowledged and not there", |outcome| {
            outcome.acknowledged.push((4, "c4".to_owned()));
        }),
    ];
    for (name, spoil) in wrong {
        for (order, told) in [(Order::AsSent, Told::Once), (Order::AsTheyWent, Told::AgainAfterAKill)] {
            let mut outcome = right();
            spoil(&mut outcome);
            assert!(check(&outcome, order, told).is_err(), "{name}, {order:?}, {told:?}");
        }
    }
}

#[test]
fn the_order_and_the_count_of_acknowledgements_are_as_lenient_as_they_are_told_to_be() {
    let mut swapped = right();
    swapped.good.swap(0, 1);
    swapped.acknowledged.swap(0, 1);
    assert!(check(&swapped, Order::AsSent, Told::Once).is_err());
    check(&swapped, Order::AsTheyWent, Told::Once).unwrap();
    let mut told_out_of_order = right();
    told_out_of_order.acknowledged.swap(0, 1);
    assert!(check(&told_out_of_order, Order::AsSent, Told::Once).is_err());
    let mut again = right();
    again.acknowledged.push((3, "c3".to_owned()));
    assert!(check(&again, Order::AsSent, Told::Once).is_err());
    check(&again, Order::AsSent, Told::AgainAfterAKill).unwrap();
}
