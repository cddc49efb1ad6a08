//! ISO 20022 customer credit transfer initiation, `pain.001.001.03` and `.09`.
//!
//! One payment information block, in pounds. UK accounts are given as sort code (clearing system
//! `GBDSC`) and account number; the society's own as an IBAN where the file says one. Names are in
//! the letters that UK banks take, so the file is plain ASCII.

use domain::{calendar::LocalDay, money::Pence};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::{Batch, NoFile, Payer, Payment, bank_text};

/// Longest name in the message.
const NAME: usize = 70;

struct Xml {
    out: Writer<Vec<u8>>,
}

impl Xml {
    fn event(&mut self, event: Event<'_>) {
        // Writing to memory does not fail.
        let _ = self.out.write_event(event);
    }

    fn within(&mut self, name: &str, inside: impl FnOnce(&mut Xml)) {
        self.event(Event::Start(BytesStart::new(name)));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.within(name, |xml| xml.event(Event::Text(BytesText::new(text))));
    }
}

pub(super) fn write(
    version: u8,
    payer: &Payer,
    batch: &Batch,
    payments: &[Payment],
) -> Result<Vec<u8>, NoFile> {
    if payer.name.is_empty() {
        return Err(NoFile::Payer {
            what: "name",
            key: "name",
        });
    }
    if payer.iban.is_empty() && (payer.sort_code.is_empty() || payer.account.is_empty()) {
        return Err(NoFile::Payer {
            what: "own account",
            key: "sort_code` and `account",
        });
    }
    let control = Pence::total(payments.iter().map(|payment| payment.pence)).unwrap_or_default();
    let mut xml = Xml {
        out: Writer::new_with_indent(Vec::new(), b' ', 1),
    };
    xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let namespace = format!("urn:iso:std:iso:20022:tech:xsd:pain.001.001.{version:02}");
    let root = BytesStart::new("Document").with_attributes([("xmlns", namespace.as_str())]);
    xml.event(Event::Start(root));
    xml.within("CstmrCdtTrfInitn", |xml| {
        xml.within("GrpHdr", |xml| {
            xml.text("MsgId", &batch.id);
            xml.text("CreDtTm", &seconds(batch));
            xml.text("NbOfTxs", &payments.len().to_string());
            xml.text("CtrlSum", &control.pounds_text());
            xml.within("InitgPty", |xml| {
                xml.text("Nm", &bank_text(&payer.name, NAME))
            });
        });
        xml.within("PmtInf", |xml| {
            xml.text("PmtInfId", &batch.id);
            xml.text("PmtMtd", "TRF");
            xml.text("NbOfTxs", &payments.len().to_string());
            xml.text("CtrlSum", &control.pounds_text());
            match version {
                3 => xml.text("ReqdExctnDt", &iso(batch.on)),
                _ => xml.within("ReqdExctnDt", |xml| xml.text("Dt", &iso(batch.on))),
            }
            xml.within("Dbtr", |xml| xml.text("Nm", &bank_text(&payer.name, NAME)));
            xml.within("DbtrAcct", |xml| {
                account(xml, &payer.iban, &payer.account);
                xml.text("Ccy", "GBP");
            });
            xml.within("DbtrAgt", |xml| {
                agent(xml, version, &payer.bic, &payer.sort_code);
            });
            for payment in payments {
                transfer(xml, version, batch, payment);
            }
        });
    });
    xml.event(Event::End(BytesEnd::new("Document")));
    let mut bytes = xml.out.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn transfer(xml: &mut Xml, version: u8, batch: &Batch, payment: &Payment) {
    xml.within("CdtTrfTxInf", |xml| {
        xml.within("PmtId", |xml| {
            let reference = bank_text(&payment.reference, super::BANK_LENGTH);
            // Unique for ever: the order's number stands in every reference.
            xml.text("InstrId", &format!("{}/{reference}", batch.number));
            xml.text("EndToEndId", &reference);
        });
        xml.within("Amt", |xml| {
            let amount = BytesStart::new("InstdAmt").with_attributes([("Ccy", "GBP")]);
            xml.event(Event::Start(amount));
            let pounds = payment.pence.pounds_text();
            xml.event(Event::Text(BytesText::new(&pounds)));
            xml.event(Event::End(BytesEnd::new("InstdAmt")));
        });
        xml.within("CdtrAgt", |xml| agent(xml, version, "", &payment.sort_code));
        xml.within("Cdtr", |xml| {
            xml.text("Nm", &bank_text(&payment.name, NAME))
        });
        xml.within("CdtrAcct", |xml| account(xml, "", &payment.account));
        let said = match payment.roll_number.as_str() {
            "" => bank_text(&payment.reference, super::BANK_LENGTH),
            roll => bank_text(roll, super::BANK_LENGTH),
        };
        xml.within("RmtInf", |xml| xml.text("Ustrd", &said));
    });
}

fn account(xml: &mut Xml, iban: &str, account: &str) {
    xml.within("Id", |xml| match iban {
        "" => xml.within("Othr", |xml| xml.text("Id", account)),
        iban => xml.text("IBAN", iban),
    });
}

fn agent(xml: &mut Xml, version: u8, bic: &str, sort_code: &str) {
    xml.within("FinInstnId", |xml| match bic {
        "" => xml.within("ClrSysMmbId", |xml| {
            xml.within("ClrSysId", |xml| xml.text("Cd", "GBDSC"));
            xml.text("MmbId", sort_code);
        }),
        bic => xml.text(if version == 3 { "BIC" } else { "BICFI" }, bic),
    });
}

/// When it was made, to the second, UTC.
fn seconds(batch: &Batch) -> String {
    let text = batch.made.to_string();
    let bare = text.trim_end_matches('Z');
    let seconds: String = bare.chars().take(19).collect();
    format!("{seconds}Z")
}

fn iso(day: LocalDay) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}
