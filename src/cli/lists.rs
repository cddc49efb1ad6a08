//! `site list`, `installation list`.

use super::Desk;
use office::Answer;

/// `site list`.
pub fn sites(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines = Vec::new();
    for society in societies(desk, only)? {
        lines.extend(society.list_sites());
    }
    let head = ["site", "society", "name", "kWp", "since", ""];
    desk.table(&head, &lines, |line| {
        vec![
            line.id.clone(),
            line.society.clone(),
            line.name.clone(),
            domain::quantity::Watts(line.capacity_wp).kw_text(),
            line.commissioned.clone(),
            if line.sample {
                "SAMPLE".into()
            } else {
                String::new()
            },
        ]
    })
}

/// `installation list`.
pub fn installations(desk: &mut Desk<'_>, only: Option<&str>) -> Answer<()> {
    let mut lines = Vec::new();
    for society in societies(desk, only)? {
        lines.extend(society.list_installations());
    }
    let head = [
        "installation",
        "society",
        "site",
        "meter point",
        "kW",
        "eligible from",
        "",
    ];
    desk.table(&head, &lines, |line| {
        vec![
            line.id.clone(),
            line.society.clone(),
            line.site.clone(),
            line.meter_point.clone(),
            line.declared_net_capacity_kw.clone(),
            line.eligible_from.clone(),
            if line.sample {
                "SAMPLE".into()
            } else {
                String::new()
            },
        ]
    })
}

/// The society named, or all.
pub(super) fn societies(
    desk: &Desk<'_>,
    only: Option<&str>,
) -> Answer<Vec<std::sync::Arc<office::SocietyOffice>>> {
    match only {
        Some(slug) => Ok(vec![desk.office.society(slug)?]),
        None => Ok(desk.office.societies()),
    }
}
