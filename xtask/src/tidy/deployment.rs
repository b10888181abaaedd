//! The deployment says what the tree says: generated files, and the paths of each service.

use super::{Finding, Tree, rust::Rust};
use crate::{
    compose,
    services::{PATH, Services},
};

/// Where the routes of a role are: a file's prefix, and the function that holds them if not all.
const ROUTES: [(&str, &str, Option<&str>); 4] = [
    ("decide", "crates/service/src/http/decisions", None),
    ("consent", "crates/service/src/http/consent", None),
    ("ingest", "crates/service/src/http/intake", None),
    ("consent", "crates/service/src/surface.rs", Some("fn public_pages")),
];

/// docker-compose.yml is what the services generate.
pub(crate) fn drift(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(PATH) else { return Vec::new() };
    let services = match Services::read(text) {
        Ok(it) => it,
        Err(error) => return vec![Finding::file(PATH, format!("{error:#}"))],
    };
    if tree.text(compose::PATH) == Some(&compose::render(&services)) {
        return Vec::new();
    }
    let sentence = format!("not what {PATH} says: run `cargo xtask codegen`");
    vec![Finding::file(compose::PATH, sentence)]
}

/// The gateway hands every path of a role to the service with that role, and no other path.
pub(crate) fn paths(tree: &Tree) -> Vec<Finding> {
    let Some(Ok(services)) = tree.text(PATH).map(Services::read) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut served = Vec::new();
    for (role, prefix, function) in ROUTES {
        let Some(service) = services.with_role(role) else { continue };
        for (path, text) in tree.under(prefix, ".rs") {
            let rust = Rust::read(text);
            for (line, route) in routes(&rust, function) {
                if !service.paths.contains(&route) && services.gateway.rest != service.name {
                    let sentence = format!("`{}` does not name `{route}` in {PATH}", service.name);
                    findings.push(Finding::at(path, line, sentence));
                }
                served.push((&service.name, route));
            }
        }
    }
    for service in &services.all {
        for path in &service.paths {
            if !served.iter().any(|(name, route)| *name == &service.name && route == path) {
                let sentence = format!("`{}` does not serve `{path}`", service.name);
                findings.push(Finding::file(PATH, sentence));
            }
        }
    }
    findings
}

/// The routes of a file, or of one of its functions, with their lines.
fn routes(rust: &Rust, function: Option<&str>) -> Vec<(usize, String)> {
    let begin = function.map_or(Some(0), |it| rust.find(it).next());
    let Some(begin) = begin else { return Vec::new() };
    let end = if function.is_some() {
        let body = rust.block(begin);
        begin + rust.code.get(begin..).and_then(|it| it.find(body)).unwrap_or(0) + body.len()
    } else {
        rust.code.len()
    };
    rust.literals
        .iter()
        .filter(|it| (begin..end).contains(&it.begin) && rust.is_route(it))
        .map(|it| (rust.line(it.begin), it.text.clone()))
        .collect()
}
