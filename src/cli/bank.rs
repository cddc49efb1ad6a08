//! `bank import|list|match`.

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand};
use domain::money::Pence;
use serde_json::{Value, json};

use super::Desk;
use office::{
    Answer, SocietyOffice,
    bank::{BankRow, Pays, pays_words},
};

/// `bank …`
#[derive(Clone, Debug, Subcommand)]
pub enum Bank {
    /// Take in a licensee's statement or a bank's file; a second time adds nothing
    Import {
        /// The file (CSV, or OFX with a mapping of kind bank)
        file: PathBuf,
        /// `statement`, `bank`, or a mapping file of your own ending in .toml
        #[arg(long, default_value = "statement")]
        mapping: String,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
    /// List the payments and what each pays
    List {
        /// Only those that pay nothing known
        #[arg(long)]
        unmatched: bool,
        /// Only this society's
        #[arg(long)]
        society: Option<String>,
    },
    /// Say what a payment is for
    #[command(group(ArgGroup::new("what").required(true)))]
    Match {
        /// The first letters of the payment's name in `bank list`
        row: String,
        /// Claims of this installation
        #[arg(long, group = "what")]
        installation: Option<String>,
        /// The bill of this number
        #[arg(long, group = "what")]
        bill: Option<u32>,
        /// Nothing of the society's income
        #[arg(long, group = "what")]
        nothing: bool,
        /// The society; may be left out when there is only one
        #[arg(long)]
        society: Option<String>,
    },
}

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &Bank) -> Answer<()> {
    match command {
        Bank::Import {
            file,
            mapping,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.treasurer(&society, "importing payments")?;
            let read = desk.statement_mapping(mapping)?;
            let given = desk.given(file)?;
            let made = society.import_bank(&given, mapping, &read, &by, desk.now)?;
            let unmatched = made.new.iter().filter(|row| row.pays.is_none()).count();
            if desk.json() {
                return desk.document(&json!({
                    "society": society.slug(),
                    "import": made.number,
                    "rows": made.rows,
                    "new": made.new.len(),
                    "duplicate": made.rows - made.new.len(),
                    "unmatched": unmatched,
                }));
            }
            desk.voice.data(&format!(
                "{} rows, {} new, {} known before; {unmatched} pay nothing known\n",
                made.rows,
                made.new.len(),
                made.rows - made.new.len()
            ));
            if unmatched > 0 {
                desk.voice
                    .say("hint: `commonwatt bank list --unmatched` shows them, `bank match` says what they are for");
            }
            Ok(())
        }
        Bank::List { unmatched, society } => {
            let mut lines = Vec::new();
            for society in super::lists::societies(desk, society.as_deref())? {
                let texts = society.payment_texts()?;
                for row in society.payments()? {
                    if *unmatched && row.pays.is_some() {
                        continue;
                    }
                    let text = texts.get(&row.row).map_or("", String::as_str);
                    lines.push(document(&society, &row, text));
                }
            }
            desk.table(
                &["payment", "society", "on", "amount", "pays", "as it stands"],
                &lines,
                |line| {
                    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                    vec![
                        text("row").chars().take(8).collect(),
                        text("society"),
                        text("on"),
                        Pence(line["pence"].as_i64().unwrap_or_default()).to_string(),
                        text("pays_words"),
                        text("text"),
                    ]
                },
            )
        }
        Bank::Match {
            row,
            installation,
            bill,
            nothing: _,
            society,
        } => {
            let society = desk.society(society.as_deref())?;
            let by = desk.treasurer(&society, "matching a payment")?;
            let pays = match (installation, bill) {
                (Some(installation), _) => Pays::Claims {
                    installation: installation.clone(),
                },
                (None, Some(number)) => Pays::Bill { number: *number },
                (None, None) => Pays::Nothing,
            };
            let row = society.match_payment(row, pays, &by, desk.now)?;
            let document = document(&society, &row, "");
            if desk.json() {
                return desk.document(&document);
            }
            desk.voice.data(&format!(
                "{} of {} pays {}\n",
                Pence(row.pence),
                row.on,
                pays_words(row.pays.as_ref(), str::to_owned)
            ));
            Ok(())
        }
    }
}

fn document(society: &SocietyOffice, row: &BankRow, text: &str) -> Value {
    json!({
        "society": society.slug(),
        "row": row.row,
        "on": row.on,
        "pence": row.pence,
        "pays": row.pays,
        "pays_words": pays_words(row.pays.as_ref(), str::to_owned),
        "text": text,
    })
}
