//! Messages: every code in the sources has words in both languages with the same arguments, and no words are unused.

mod uses;

use std::collections::BTreeSet;

use belfry::i18n::{Catalog, Language};

fn catalogs() -> [Catalog; 2] {
    Language::ALL.map(|language| Catalog::load(language).expect("the files of locales/messages are valid"))
}

#[test]
fn both_catalogs_have_the_same_codes_and_arguments() {
    let [english, chinese] = catalogs();
    let codes = |catalog: &Catalog| catalog.codes().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(codes(&english).symmetric_difference(&codes(&chinese)).collect::<Vec<_>>(), [""; 0], "in one language only");
    for code in english.codes() {
        assert_eq!(english.arguments(code), chinese.arguments(code), "arguments of {code}");
    }
}

#[test]
fn every_used_code_has_words_with_its_arguments() {
    let [english, _] = catalogs();
    let mut faults = Vec::new();
    for used in uses::all() {
        let given: BTreeSet<&str> = used.arguments.iter().map(String::as_str).collect();
        match english.arguments(&used.code) {
            None => faults.push(format!("{}: {} is not in locales/messages", used.place, used.code)),
            Some(wanted) if wanted != given => {
                faults.push(format!("{}: {} is given {given:?}, its words use {wanted:?}", used.place, used.code));
            }
            Some(_) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_code_of_the_catalogs_is_used() {
    let literals = uses::literals();
    let [english, _] = catalogs();
    let unused: Vec<&str> = english.codes().filter(|code| !literals.contains(*code)).collect();
    assert!(unused.is_empty(), "no source names {unused:?}; remove their words from locales/messages");
}
