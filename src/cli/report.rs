//! `report generation`.

use domain::calendar::{LocalDay, Period};
use report::generation::Format;

use super::{Desk, args, paper};
use office::{
    Answer,
    answer::{OrCaller, OrOurs},
};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &args::Report) -> Answer<()> {
    let args::Report::Generation {
        society,
        site,
        period,
        format,
        as_of,
        out,
    } = command;
    let society = desk.office.society(society)?;
    let period: Period = period.parse().or_caller()?;
    let as_of: Option<LocalDay> = as_of.as_deref().map(str::parse).transpose().or_caller()?;
    let report = society.generation(site.as_deref(), period, as_of, desk.now, true)?;
    let income = match site {
        Some(site) => desk.office.earned(&society, site, period, desk.now, true)?,
        None => None,
    };
    let report = report.with_income(income);
    let out = out.as_deref();
    let format = match format {
        _ if desk.json() => Format::Json,
        args::Format::Text => Format::Text,
        args::Format::Html => Format::Html,
        args::Format::Svg => Format::Svg,
        args::Format::Csv => Format::Csv,
        args::Format::Json => Format::Json,
        args::Format::Pdf => {
            return paper::set(desk, &report.paper().or_ours("the report")?, out);
        }
        args::Format::Xlsx => {
            let book = report.rows_table().to_xlsx().or_ours("the workbook")?;
            return paper::write(desk, out, &book, "workbook");
        }
    };
    let mut text = report.render(format).or_ours("the report")?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if out.is_some() {
        return paper::write(desk, out, text.as_bytes(), "report");
    }
    desk.voice.data(&text);
    Ok(())
}
