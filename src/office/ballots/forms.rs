//! What a form of the desk says about a ballot.

use std::collections::{BTreeMap, BTreeSet};

use domain::calendar::Instant;

use super::{BallotFile, CallOf, PaperBatch, call::OptionFile};
use crate::{
    answer::{Answer, Refusal, refuse},
    blobs::Given,
    notes::Noted,
    society::SocietyOffice,
};

impl SocietyOffice {
    /// Does what a form about a ballot says.
    ///
    /// # Errors
    /// When a field is wrong, or what it asks for is refused.
    pub(crate) fn enter_of_ballot(
        &self,
        kind: &str,
        fields: &BTreeMap<String, String>,
        by: &str,
        now: Instant,
    ) -> Answer<Noted> {
        let said = |key: &str| fields.get(key).map(|text| text.trim()).unwrap_or_default();
        let number = |key: &str| {
            said(key).parse::<u32>().map_err(|_| {
                Refusal::Caller(format!("{key} is `{}`; expected a number", said(key)))
            })
        };
        match kind {
            "ballot" => {
                let list = said("list");
                let list = (!list.is_empty()).then(|| Given {
                    name: "list.csv".to_owned(),
                    bytes: list.replace("\r\n", "\n").into_bytes(),
                });
                let file = file_of(fields)?;
                self.call_ballot(&CallOf { file, list }, by, now)?;
            }
            "ballot-proxy" => {
                let (whose, holder) = (number("elector")?, number("holder")?);
                self.appoint_proxy(number("ballot")?, whose, holder, by, now)?;
            }
            "ballot-close" => drop(self.close_ballot(number("ballot")?, by, now)?),
            "ballot-cancel" => self.cancel_ballot(number("ballot")?, said("reason"), by, now)?,
            "ballot-papers-back" => drop(self.take_papers_back(number("ballot")?, by, now)?),
            "ballot-papers" => {
                let mut voters = BTreeSet::new();
                for text in said("voters").split([',', '\n', ' ']).map(str::trim) {
                    if text.is_empty() {
                        continue;
                    }
                    let Ok(voter) = text.parse() else {
                        return refuse(format!("`{text}` is no elector's number"));
                    };
                    if !voters.insert(voter) {
                        return refuse(format!("elector `{voter}` stands twice"));
                    }
                }
                let choices = said("choices").lines().map(str::trim);
                let batch = PaperBatch {
                    by: by.to_owned(),
                    voters,
                    choices: choices
                        .filter(|line| !line.is_empty())
                        .map(str::to_owned)
                        .collect(),
                };
                self.enter_papers(number("ballot")?, &batch, now)?;
            }
            other => return refuse(format!("`{other}` is nothing that is done with a ballot")),
        }
        Ok(Noted { new: 1, already: 0 })
    }
}

fn file_of(fields: &BTreeMap<String, String>) -> Answer<BallotFile> {
    let said = |key: &str| {
        fields
            .get(key)
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    };
    let mut option = Vec::new();
    for line in said("options")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let parts: Vec<&str> = line.split(';').map(str::trim).collect();
        let [id, name, limit] = parts.as_slice() else {
            return refuse(format!(
                "`{line}` is no option; expected a form like `garden; A roof garden; 2000`"
            ));
        };
        option.push(OptionFile {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            limit_pounds: (*limit).to_owned(),
        });
    }
    let proxies = said("proxy_limit");
    Ok(BallotFile {
        title: said("title"),
        text: said("text").replace("\r\n", "\n"),
        electorate: said("electorate"),
        record_day: said("record_day"),
        opens: said("opens"),
        closes: said("closes"),
        quorum: said("quorum"),
        proxy_limit: match proxies.as_str() {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| Refusal::Caller(format!("`{text}` is no number of others")))?,
        },
        ages: said("ages"),
        residence: said("residence"),
        majority: said("majority"),
        pot_pounds: said("pot_pounds"),
        option,
        sample: false,
    })
}
