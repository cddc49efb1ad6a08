//! Sets one document from files, to look at while a template is being made:
//! `set FORM DATA.json OUT.pdf [NAME=PICTURE.svg …]`.

use commonwatt_pdf::{Document, Form, Typesetter};

fn main() {
    let mut args = std::env::args().skip(1);
    let form = match args.next().as_deref() {
        Some("statement") => Form::Statement,
        Some("paper") => Form::Paper,
        other => panic!("no form `{other:?}`"),
    };
    let data = std::fs::read_to_string(args.next().expect("data")).expect("data");
    let out = args.next().expect("out");
    let pictures = args.map(|arg| {
        let (name, file) = arg.split_once('=').expect("NAME=FILE");
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        (name, std::fs::read_to_string(file).expect("a picture"))
    });
    let document = Document {
        form,
        data: serde_json::from_str(&data).expect("JSON"),
        pictures: pictures.collect(),
    };
    let begun = std::time::Instant::now();
    let sheet = Typesetter::default()
        .set(&document)
        .unwrap_or_else(|e| panic!("{e}"));
    std::fs::write(out, &sheet.pdf).expect("out");
    println!("{} pages in {:?}", sheet.pages, begun.elapsed());
}
