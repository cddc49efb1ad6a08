//! Forms of columns: the bulk payment files of the banks' own pages.

use domain::{calendar::LocalDay, money::Pence};

use super::{
    BANK_LENGTH, Batch, NoFile, Payer, Payment, bank_text,
    profile::{Columns, DateForm, Quote},
};

/// What a cell may need to know.
struct About<'a> {
    form: &'a Columns,
    payer: &'a Payer,
    batch: &'a Batch,
    payments: &'a [Payment],
}

pub(super) fn write(
    form: &Columns,
    payer: &Payer,
    batch: &Batch,
    payments: &[Payment],
) -> Result<Vec<u8>, NoFile> {
    let about = About {
        form,
        payer,
        batch,
        payments,
    };
    let mut out = csv::WriterBuilder::new()
        .delimiter(form.delimiter)
        .terminator(match form.crlf {
            true => csv::Terminator::CRLF,
            false => csv::Terminator::Any(b'\n'),
        })
        .quote_style(match form.quote {
            Quote::Needed => csv::QuoteStyle::Necessary,
            Quote::Always => csv::QuoteStyle::Always,
            Quote::Never => csv::QuoteStyle::Never,
        })
        .flexible(true)
        .from_writer(Vec::new());
    let mut rows: Vec<Vec<String>> = Vec::new();
    if form.head {
        rows.push(
            form.columns
                .iter()
                .map(|(title, _)| title.clone())
                .collect(),
        );
    }
    for row in &form.first {
        rows.push(about.row(row.iter(), None)?);
    }
    for (line, payment) in payments.iter().enumerate() {
        let values = form.columns.iter().map(|(_, value)| value);
        rows.push(about.row(values, Some((line.saturating_add(1), payment)))?);
    }
    for row in &form.last {
        rows.push(about.row(row.iter(), None)?);
    }
    for row in rows {
        // Writing to memory does not fail, and rows may differ in length.
        let _ = out.write_record(row);
    }
    Ok(out.into_inner().unwrap_or_default())
}

impl About<'_> {
    fn row<'v>(
        &self,
        values: impl Iterator<Item = &'v String>,
        of: Option<(usize, &Payment)>,
    ) -> Result<Vec<String>, NoFile> {
        values.map(|value| self.cell(value, of)).collect()
    }

    fn cell(&self, value: &str, of: Option<(usize, &Payment)>) -> Result<String, NoFile> {
        let payer = self.payer;
        let needs = |text: &str, what: &'static str, key: &'static str| match text {
            "" => Err(NoFile::Payer { what, key }),
            text => Ok(text.to_owned()),
        };
        let own_sort = || needs(&payer.sort_code, "own sort code", "sort_code");
        let control = self.payments.iter().map(|payment| payment.pence);
        Ok(match value {
            "date" => day(self.form.date, self.batch.on),
            "date_made" => day(self.form.date, self.batch.made_on),
            "own_name" => bank_text(&needs(&payer.name, "name", "name")?, BANK_LENGTH),
            "own_sort_code" => own_sort()?,
            "own_sort_code_dashed" => dashed(&own_sort()?),
            "own_account" => needs(&payer.account, "own account number", "account")?,
            "service_user" => match payer.service_user.as_str() {
                "" => return Err(NoFile::ServiceUser),
                number => number.to_owned(),
            },
            "order" => self.batch.number.to_string(),
            "count" => self.payments.len().to_string(),
            "control_pounds" => Pence::total(control).unwrap_or_default().pounds_text(),
            _ => match (value.strip_prefix('='), of) {
                (Some(text), _) => text.to_owned(),
                (None, Some((line, payment))) => of_payment(value, line, payment),
                (None, None) => String::new(),
            },
        })
    }
}

fn of_payment(value: &str, line: usize, payment: &Payment) -> String {
    match value {
        "sort_code" => payment.sort_code.clone(),
        "sort_code_dashed" => dashed(&payment.sort_code),
        "account" => payment.account.clone(),
        "name" => bank_text(&payment.name, BANK_LENGTH),
        "roll_number" => bank_text(&payment.roll_number, BANK_LENGTH),
        "pounds" => payment.pence.pounds_text(),
        "pence" => payment.pence.0.to_string(),
        // A building society finds the account by the roll number in the reference.
        "reference" if !payment.roll_number.is_empty() => {
            bank_text(&payment.roll_number, BANK_LENGTH)
        }
        "reference" => bank_text(&payment.reference, BANK_LENGTH),
        "line" => line.to_string(),
        _ => String::new(),
    }
}

fn dashed(sort_code: &str) -> String {
    let digits: Vec<char> = sort_code.chars().collect();
    let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
    pairs.join("-")
}

fn day(form: DateForm, day: LocalDay) -> String {
    let (year, month, of_month) = (day.year(), day.month(), day.day());
    match form {
        DateForm::Slashes => format!("{of_month:02}/{month:02}/{year:04}"),
        DateForm::Iso => format!("{year:04}-{month:02}-{of_month:02}"),
        DateForm::Bare => format!("{year:04}{month:02}{of_month:02}"),
    }
}
