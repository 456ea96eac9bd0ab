//! Interface words: complete in every language, and each one used is there.

use crate::Locale;
use crate::embedded::{Portal, Ui, names, text};
use crate::words::Words;

/// Keys that templates put together: `"tone." ~ b.tone` and the like.
const COMPOSED: [&str; 4] = ["tone.", "trend.", "toolbar.text_size.", "unit."];

#[test]
fn every_language_has_the_same_words() {
    let words = Words::load(text::<Ui>).unwrap();
    for locale in Locale::ALL {
        assert_eq!(words.keys(Locale::ZhCn), words.keys(locale), "{locale:?}");
    }
}

#[test]
fn every_word_a_template_asks_for_is_there_and_none_is_idle() {
    let words = Words::load(text::<Ui>).unwrap();
    let known = words.keys(Locale::ZhCn);
    let ui = names::<Ui>(".html").into_iter().filter_map(|name| text::<Ui>(&name));
    let portal = names::<Portal>(".html").into_iter().filter_map(|name| text::<Portal>(&name));
    let templates: String = ui.chain(portal).collect();
    let asked: Vec<&str> = templates.split("ui(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for key in &asked {
        assert!(known.contains(key) || COMPOSED.contains(key), "`{key}` is asked for but is not in frontend/ui/i18n");
    }
    for key in known {
        let composed = COMPOSED.iter().any(|start| key.starts_with(start) && asked.contains(start));
        assert!(asked.contains(&key) || composed, "`{key}` is in frontend/ui/i18n but no template asks for it");
    }
}

#[test]
fn places_in_a_wording_are_the_same_in_every_language() {
    let words = Words::load(text::<Ui>).unwrap();
    for key in words.keys(Locale::ZhCn) {
        let places = |locale| {
            let wording = words.get(locale, key, &[]).unwrap();
            let mut places: Vec<String> =
                wording.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned).collect();
            places.sort();
            places
        };
        assert_eq!(places(Locale::ZhCn), places(Locale::En), "{key}");
    }
}
