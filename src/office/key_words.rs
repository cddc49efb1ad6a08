//! The sealing key as words on paper: written down, asked back, and put in again on another machine.
//!
//! Whoever has lost KEYS has lost members' bank details and the sealed files; the journal, names and
//! shares stay. So the key leaves the machine once, as the 24 words of BIP-39, which carry a
//! checksum and tell a wrong word from a right one. Three of them are asked back before the sheet
//! counts; that it was written down stands beside the key, in KEYS and nowhere else. A key is put
//! in again only where there is none and it opens what lies sealed in the data folder.

use std::fs;

use bip39::{Language, Mnemonic};
use domain::calendar::{Instant, LocalDay};

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    keys::{KEY_BYTES, Keys, SealingKey},
    node::hex,
    society::SocietyOffice,
};

/// Words of a key.
pub const WORDS: usize = 24;
/// Words that are asked back.
pub const ASKED: usize = 3;
/// Most words that are named as like a wrong one.
const LIKE: usize = 8;
/// Says that the key was written down: its name and the day.
const WRITTEN_DOWN: &str = "sealing.written-down";

/// A key to write down.
pub struct KeySheet {
    /// The key's name: the first bytes of its hash.
    pub key: String,
    /// Its words.
    pub words: Vec<&'static str>,
    /// Which of them are asked back, from 1.
    pub asked: [usize; ASKED],
}

/// What a key opens of a society.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opens {
    /// The society.
    pub society: String,
    /// What is sealed there and opens.
    pub opened: u64,
    /// What is sealed there and does not.
    pub shut: u64,
}

/// How the sealing key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStanding {
    /// The key's name.
    pub key: String,
    /// The day on which it was written down; `None` while it never was.
    pub written_down: Option<LocalDay>,
    /// What it opens, by society.
    pub societies: Vec<Opens>,
}

impl Office {
    /// The sealing key as words, and which of them to ask back. A key is made where there is none.
    ///
    /// # Errors
    /// When the key cannot be read, or the system gives no random numbers.
    pub fn key_sheet(&self) -> Answer<KeySheet> {
        let key = self.keys().sealing_key_or_new()?;
        let words = Mnemonic::from_entropy(key.bytes()).or_ours("the key as words")?;
        Ok(KeySheet {
            key: key.name(),
            words: words.words().collect(),
            asked: places()?,
        })
    }

    /// Notes that the key was written down.
    ///
    /// # Errors
    /// When an answer is another word than the sheet has.
    pub fn key_written_down(
        &self,
        sheet: &KeySheet,
        answers: &[String],
        now: Instant,
    ) -> Answer<LocalDay> {
        for (place, answer) in sheet.asked.iter().zip(answers) {
            let word = sheet.words.get(place.saturating_sub(1));
            if word.is_none_or(|word| *word != answer.trim().to_lowercase()) {
                return refuse(format!(
                    "word {place} of the sheet is another one; nothing was noted\nhint: say `commonwatt keys backup` again and hold the sheet against the screen, word by word"
                ));
            }
        }
        if answers.len() != sheet.asked.len() {
            return refuse(format!("expected {ASKED} words of the sheet"));
        }
        let day = domain::calendar::Zone::named("Europe/London")
            .or_ours("the zone")?
            .day_of(now);
        let keys = self.keys();
        fs::write(
            keys.folder().join(WRITTEN_DOWN),
            format!("{} {day}\n", sheet.key),
        )
        .or_ours("it cannot be noted that the key was written down")?;
        Ok(day)
    }

    /// Puts a key in again from its words, where there is none, and says what it opens.
    ///
    /// # Errors
    /// With the word that is wrong; when there is a key already, or this one does not open what is
    /// sealed here.
    pub fn key_put_back(&self, words: &[String]) -> Answer<KeyStanding> {
        let key = key_of(words)?;
        let keys = self.keys();
        if let Ok(there) = keys.sealing_key() {
            return match there.name() == key.name() {
                true => refuse(format!(
                    "key `{}` is in its place already, and it is this one; nothing was changed",
                    key.name()
                )),
                false => refuse(format!(
                    "there is a key already, `{}`, and these words are key `{}`; nothing was changed\nhint: move `{}` aside first if it is the wrong one",
                    there.name(),
                    key.name(),
                    keys.folder().display()
                )),
            };
        }
        let societies = self.opened_with(&key)?;
        let shut: u64 = societies.iter().map(|one| one.shut).sum();
        let opened: u64 = societies.iter().map(|one| one.opened).sum();
        if opened == 0 && shut > 0 {
            return refuse(format!(
                "key `{}` opens nothing of the {shut} sealed details and files in this data folder; it was not put in\nhint: is it the sheet of another installation?",
                key.name()
            ));
        }
        keys.put_back(&key)?;
        Ok(KeyStanding {
            key: key.name(),
            written_down: None,
            societies,
        })
    }

    /// How the sealing key stands: its name, whether it was written down, and what it opens.
    ///
    /// # Errors
    /// When there is none.
    pub fn key_standing(&self) -> Answer<KeyStanding> {
        let keys = self.keys();
        let key = keys.sealing_key()?;
        Ok(KeyStanding {
            written_down: keys.written_down(&key),
            societies: self.opened_with(&key)?,
            key: key.name(),
        })
    }

    fn opened_with(&self, key: &SealingKey) -> Answer<Vec<Opens>> {
        let societies = self.societies();
        societies
            .iter()
            .map(|society| society.opened_with(key))
            .collect()
    }

    fn keys(&self) -> Keys {
        Keys::beside(self.folder().path())
    }
}

impl SocietyOffice {
    /// How much of what is sealed here a key opens: bank details, and kept files.
    fn opened_with(&self, key: &SealingKey) -> Answer<Opens> {
        let (mut opened, mut shut) = (0, 0);
        let mut count = |outcome: Answer<()>| match outcome {
            Ok(()) => opened += 1,
            Err(_) => shut += 1,
        };
        for (member, hash) in self.sealed_details()? {
            count(self.open_bank(key, member, &hash).map(drop));
        }
        for kept in self.kept()?.iter().filter(|kept| kept.sealed) {
            count(self.opened(kept, key).map(drop));
        }
        Ok(Opens {
            society: self.slug().to_owned(),
            opened,
            shut,
        })
    }
}

impl Keys {
    /// The day on which this key was written down.
    fn written_down(&self, key: &SealingKey) -> Option<LocalDay> {
        let text = fs::read_to_string(self.folder().join(WRITTEN_DOWN)).ok()?;
        let (name, day) = text.trim().split_once(' ')?;
        (name == key.name()).then(|| day.parse().ok())?
    }
}

impl SealingKey {
    /// What people call the key: the first bytes of its hash, which say nothing of it.
    #[must_use]
    pub fn name(&self) -> String {
        hex(&self.id())
    }
}

/// The key of these words.
fn key_of(words: &[String]) -> Answer<SealingKey> {
    let words: Vec<String> = words.iter().map(|w| w.trim().to_lowercase()).collect();
    for (word, place) in words.iter().zip(1..) {
        check_word(word, place)?;
    }
    if words.len() != WORDS {
        return refuse(format!(
            "the sheet has {WORDS} words; these are {}",
            words.len()
        ));
    }
    let read = Mnemonic::parse_in_normalized(Language::English, &words.join(" "));
    let (bytes, length) = match read {
        Ok(read) => read.to_entropy_array(),
        Err(_) => {
            return refuse(
                "these 24 words are words of a sheet, but not in this order or not together: their checksum is wrong\nhint: hold each against the sheet; a word may stand for a similar one, or two have changed places",
            );
        }
    };
    let bytes = bytes.get(..length).and_then(|b| b.try_into().ok());
    let bytes: [u8; KEY_BYTES] =
        bytes.ok_or_else(|| Refusal::Ours("the words are no key of ours".to_owned()))?;
    Ok(SealingKey::of(bytes))
}

/// Refuses what is no word of a sheet, and names those that begin alike.
///
/// # Errors
/// With the word and its place.
pub fn check_word(word: &str, place: usize) -> Answer<()> {
    if Language::English.find_word(word).is_some() {
        return Ok(());
    }
    let mut like: Vec<&str> = Vec::new();
    for letters in [3, 2] {
        let begin: String = word.chars().take(letters).collect();
        for one in Language::English.words_by_prefix_iter(&begin) {
            if begin.chars().count() == letters && like.len() < LIKE && !like.contains(&one) {
                like.push(one);
            }
        }
    }
    let hint = match like.is_empty() {
        true => String::new(),
        false => format!("\nhint: words that begin like it: {}", like.join(", ")),
    };
    refuse(format!(
        "word {place}, `{word}`, is no word of a sheet{hint}"
    ))
}

/// Three different places of a sheet, in order.
fn places() -> Answer<[usize; ASKED]> {
    let mut all: Vec<usize> = (1..=WORDS).collect();
    let mut picked = [0; ASKED];
    let mut random = [0_u8; ASKED];
    getrandom::fill(&mut random).or_ours("the system gives no random numbers")?;
    for (place, byte) in picked.iter_mut().zip(random) {
        *place = all.remove(usize::from(byte) % all.len());
    }
    picked.sort_unstable();
    Ok(picked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn words_of_the_standard_are_the_key_of_the_standard() {
        // BIP-39, test vectors of 256 bits.
        let key = key_of(&words(
            "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
        ))
        .unwrap();
        assert_eq!(
            hex(key.bytes()),
            "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c"
        );
    }

    #[test]
    fn a_wrong_word_is_told_from_a_wrong_order() {
        let good = words(
            "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
        );
        let mut wrong = good.clone();
        wrong[3] = "duch".into();
        let said = key_of(&wrong).err().unwrap().to_string();
        assert!(
            said.starts_with("word 4, `duch`") && said.contains("dutch"),
            "{said}"
        );
        let mut swapped = good.clone();
        swapped.swap(0, 1);
        let said = key_of(&swapped).err().unwrap().to_string();
        assert!(said.contains("checksum"), "{said}");
        let said = key_of(&good[..23]).err().unwrap().to_string();
        assert!(said.contains("these are 23"), "{said}");
    }

    #[test]
    fn three_different_words_are_asked_back() {
        for _ in 0..200 {
            let places = places().unwrap();
            assert!(places[0] < places[1] && places[1] < places[2] && places[2] <= WORDS);
        }
    }
}
