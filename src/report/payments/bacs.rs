//! Bacs Standard 18, one processing day: labels of 80 characters, records of 100.
//!
//! ```text
//! VOL1  HDR1  HDR2  UHL1          the volume, the file, its form, its day
//! record per payment              transaction code 99, bank giro credit
//! contra record                   transaction code 17, what the society's account pays in all
//! EOF1  EOF2  UTL1                the labels again, sums and counts of debits and credits
//! ```
//!
//! Days are ` YYDDD`. Money arrives on the working day after processing; the processing day is the
//! last day from Monday to Friday before the payment day. Bank holidays are not known here. Source:
//! HSBC, Message Implementation Guide BACS Standard 18 (August 2012).

use domain::{calendar::LocalDay, money::Pence};

use super::{BANK_LENGTH, Batch, NoFile, Payer, Payment, bank_text};

pub(super) fn write(payer: &Payer, batch: &Batch, payments: &[Payment]) -> Result<Vec<u8>, NoFile> {
    let needs = |text: &str, what, key| match text {
        "" => Err(NoFile::Payer { what, key }),
        _ => Ok(()),
    };
    if payer.service_user.is_empty() {
        return Err(NoFile::ServiceUser);
    }
    needs(&payer.sort_code, "own sort code", "sort_code")?;
    needs(&payer.account, "own account number", "account")?;
    needs(&payer.name, "name", "name")?;
    let user = &payer.service_user;
    let serial = format!("{:06}", batch.number.checked_rem(1_000_000).unwrap_or(0));
    let processing = working_day_before(batch.on);
    let made = julian(batch.made_on)?;
    let own = bank_text(&payer.name, BANK_LENGTH);
    let control = Pence::total(payments.iter().map(|payment| payment.pence)).unwrap_or_default();
    let file = format!(
        "1A{user}S  1{user}{serial}00010001      {made}{}0000000{:20}",
        julian(batch.on)?,
        ""
    );
    let form = format!("2F0200000100{:35}00{:28}", "", "");
    let mut out = String::new();
    let mut record = |text: String| {
        out.push_str(&text);
        out.push_str("\r\n");
    };
    record(format!("VOL1{serial}{:31}{user:<14}{:24}1", "", ""));
    record(format!("HDR{file}"));
    record(format!("HDR{form}"));
    record(format!(
        "UHL1{}999999    000000001 DAILY  001{:40}",
        julian(processing)?,
        ""
    ));
    for payment in payments {
        let said = match payment.roll_number.as_str() {
            "" => &payment.reference,
            roll => roll,
        };
        record(format!(
            "{}{}099{}{}0000{:011}{own:<18}{:<18}{:<18}",
            payment.sort_code,
            payment.account,
            payer.sort_code,
            payer.account,
            payment.pence.0,
            bank_text(said, BANK_LENGTH),
            bank_text(&payment.name, BANK_LENGTH),
        ));
    }
    record(format!(
        "{sort}{account}017{sort}{account}    {:011}{:<18}{:<18}{own:<18}",
        control.0,
        format!("ORDER {}", batch.number),
        "CONTRA",
        sort = payer.sort_code,
        account = payer.account,
    ));
    record(format!("EOF{file}"));
    record(format!("EOF{form}"));
    record(format!(
        "UTL1{control:013}{control:013}{:07}{:07}{:36}",
        1,
        payments.len(),
        "",
        control = control.0,
    ));
    Ok(out.into_bytes())
}

/// ` YYDDD`: the year's last two digits and the day in it.
fn julian(day: LocalDay) -> Result<String, NoFile> {
    let first = LocalDay::of_date(day.year(), 1, 1).ok_or(NoFile::Day(day))?;
    let of_year = day.days_since(first).saturating_add(1);
    let short = day.year().checked_rem(100).unwrap_or(0);
    Ok(format!(" {short:02}{of_year:03}"))
}

/// The last day from Monday to Friday before a day.
fn working_day_before(day: LocalDay) -> LocalDay {
    let mut before = day.previous();
    while is_weekend(before) {
        before = before.previous();
    }
    before
}

/// True on Saturdays and Sundays: 3 January 2000 was a Monday.
#[must_use]
pub fn is_weekend(day: LocalDay) -> bool {
    LocalDay::of_date(2000, 1, 3).is_some_and(|monday| day.days_since(monday).rem_euclid(7) >= 5)
}
