//! Checking a pack: its files, every record, what it says it is about, and that nothing is missing.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Digest, Reason};

use super::{
    ABSENCE_UNPROVEN, CONSISTENCY, Document, ENCODING, Exit, Files, INCLUSION, INCOMPLETE, LEAF,
    NOTE, Report, SAMPLE, SCOPE, Trust,
    heads::extends,
    known,
    receipt::{entry, group_leaf},
    signed, witnessed,
};
use crate::{
    bag::{self, Manifest},
    consistency::Consistency,
    entry::{EntryKind, Leaf},
    evidence::{
        ACCOUNT_CONSISTENCY_PATH, ACCOUNT_PATH, Account, DISORDER_MICROS, EXPORT_CONSISTENCY_PATH,
        EXPORT_PATH, EXPORT_PREFIX, HEAD_PATH, Question, RECORDS_PREFIX, SCOPE_PATH, Scope,
        record_path,
    },
    note::Checkpoint,
    receipt::{Receipt, TlogProof, bytes},
    sample,
    tree::root_of,
};

/// What is wrong, and in which file.
type Wrong = (Reason, String);

/// Verifies a pack against what the reader trusts; reads one file at a time.
pub fn pack(files: &dyn Files, trust: &Trust) -> Report {
    let mut report = Report::of(Document::Pack);
    match checked(&mut report, files, trust) {
        Ok(()) => report,
        Err((broken, place)) => report.invalid_at(broken, place),
    }
}

fn checked(report: &mut Report, files: &dyn Files, trust: &Trust) -> Result<(), Wrong> {
    let manifest = bag::check(files)?;
    report.checks.push("manifest");
    let note = text(files, HEAD_PATH).ok_or((NOTE, HEAD_PATH.to_owned()))?;
    let head = signed(report, &note, trust);
    let head = head.ok_or_else(|| (report.broken.clone().unwrap_or(NOTE), HEAD_PATH.to_owned()))?;
    let later = export(report, files, trust, (&manifest, &note))?;
    report.size = Some(head.size);
    let scope = files.read(SCOPE_PATH).and_then(|it| Scope::from_bytes(&it));
    let scope = scope.filter(|it| it.size == head.size && it.origin == head.origin.as_str());
    let scope = scope.ok_or((SCOPE, SCOPE_PATH.to_owned()))?;
    report.checks.push("scope");
    let records = records(files, &manifest, (&note, &head))?;
    report.checks.extend(["records", "inclusion"]);
    report.records = Some(scope.records);
    let account = account(files, trust, (&note, &head), &records)?;
    answers(&scope, &head, &records, account.as_ref())?;
    report.checks.push("question");
    if account.is_some() {
        report.checks.push("nothing left out");
    }
    absences(report, &scope, &records);
    known(report, &[&head, &later], trust);
    witnessed(report, &note, trust);
    Ok(())
}

fn text(files: &dyn Files, path: &str) -> Option<String> {
    files.read(path).and_then(|it| String::from_utf8(it).ok())
}

/// The export is an entry of a log that extends the head, and names the content of the pack.
fn export(
    report: &mut Report,
    files: &dyn Files,
    trust: &Trust,
    (manifest, note): (&Manifest, &str),
) -> Result<Checkpoint, Wrong> {
    let at = |broken: Reason, path: &str| (broken, path.to_owned());
    let receipt = files.read(EXPORT_PATH).and_then(|it| Receipt::from_bytes(&it));
    let receipt = receipt.ok_or_else(|| at(ENCODING, EXPORT_PATH))?;
    let proof = TlogProof::parse(&receipt.proof).ok_or_else(|| at(NOTE, EXPORT_PATH))?;
    let document = files.read(EXPORT_CONSISTENCY_PATH);
    let document = document.and_then(|it| Consistency::from_bytes(&it));
    let document = document.ok_or_else(|| at(ENCODING, EXPORT_CONSISTENCY_PATH))?;
    if document.from != *note || document.to != proof.note {
        return Err(at(CONSISTENCY, EXPORT_CONSISTENCY_PATH));
    }
    // Both heads are checked again below the report's own: only what is new is said of them.
    let mut inner = Report::of(Document::Consistency);
    let Some((_, later)) = extends(&mut inner, &document, trust) else {
        return Err(at(inner.broken.unwrap_or(CONSISTENCY), EXPORT_CONSISTENCY_PATH));
    };
    let leaf = entry(&receipt, &proof, &later).map_err(|it| at(it, EXPORT_PATH))?;
    let said = receipt.groups.iter().find(|it| it.name == "export").and_then(|it| it.json.as_ref());
    let said = said.and_then(|it| it.get("content")?.as_str());
    let content: Manifest = manifest
        .iter()
        .filter(|(path, _)| !path.starts_with(EXPORT_PREFIX))
        .map(|(path, digest)| (path.clone(), *digest))
        .collect();
    let is_content = Digest::of(bag::lines(&content).as_bytes()).to_string();
    if leaf.kind() != Some(EntryKind::Export) || said != Some(is_content.as_str()) {
        return Err(at(SCOPE, EXPORT_PATH));
    }
    report.checks.push("export");
    Ok(later)
}

/// Every record by its index, proven under the head.
fn records(
    files: &dyn Files,
    manifest: &Manifest,
    (note, head): (&str, &Checkpoint),
) -> Result<BTreeMap<u64, Record>, Wrong> {
    let mut records = BTreeMap::new();
    for path in manifest.keys().filter(|it| it.starts_with(RECORDS_PREFIX)) {
        let at = |broken| (broken, path.clone());
        let receipt = files.read(path).and_then(|it| Receipt::from_bytes(&it));
        let receipt = receipt.ok_or_else(|| at(ENCODING))?;
        let proof = TlogProof::parse(&receipt.proof).ok_or_else(|| at(NOTE))?;
        if proof.note != *note || record_path(proof.index) != *path {
            return Err(at(INCLUSION));
        }
        let leaf = entry(&receipt, &proof, head).map_err(at)?;
        records.insert(proof.index, Record::of(leaf, receipt));
    }
    Ok(records)
}

/// What is kept of a record once it is proven.
#[derive(Debug)]
struct Record {
    leaf: Leaf,
    kind: Option<EntryKind>,
    /// Names and kids of the groups that are not shown.
    withheld: Vec<(String, Vec<String>)>,
    /// The names of the subject's keys.
    subject_kids: BTreeSet<String>,
    /// The keys it says are destroyed.
    destroyed: BTreeSet<String>,
    core: Option<Core>,
}

/// What a decision's core says that a question may be about.
#[derive(Debug)]
struct Core {
    id: Option<String>,
    as_of_us: Option<i64>,
    nodes: Vec<String>,
}

impl Record {
    fn of(leaf: Leaf, receipt: Receipt) -> Self {
        let mut it = Self {
            leaf,
            kind: leaf.kind(),
            withheld: Vec::new(),
            subject_kids: BTreeSet::new(),
            destroyed: BTreeSet::new(),
            core: None,
        };
        for group in receipt.groups {
            if let [subject, _] = group.kids.as_slice() {
                it.subject_kids.insert(subject.clone());
            }
            let Some(json) = group.json else {
                it.withheld.push((group.name, group.kids));
                continue;
            };
            let strings = |name: &str| {
                let list = json.get(name).and_then(|it| it.as_array()).into_iter().flatten();
                list.filter_map(|it| it.as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            match group.name.as_str() {
                "core" => {
                    it.core = Some(Core {
                        id: json.get("id").and_then(|it| it.as_str()).map(str::to_owned),
                        as_of_us: json.get("as_of_us").and_then(serde_json::Value::as_i64),
                        nodes: strings("nodes"),
                    });
                }
                "erasure" if it.kind == Some(EntryKind::ErasureDone) => {
                    it.destroyed.extend(strings("kids"));
                }
                _ => {}
            }
        }
        it
    }

    fn is_decision(&self) -> bool {
        self.kind == Some(EntryKind::Decision)
    }
}

/// The range of entries that is accounted for, if there is one and it leads to the head.
fn account(
    files: &dyn Files,
    trust: &Trust,
    (note, head): (&str, &Checkpoint),
    records: &BTreeMap<u64, Record>,
) -> Result<Option<Accounted>, Wrong> {
    let Some(read) = files.read(ACCOUNT_PATH) else { return Ok(None) };
    let at = |broken: Reason| (broken, ACCOUNT_PATH.to_owned());
    let account = Account::from_bytes(&read).ok_or_else(|| at(ENCODING))?;
    let (mut frontier, leaves) = account.read().ok_or_else(|| at(ENCODING))?;
    let first = frontier.size();
    for (index, leaf) in (first..).zip(&leaves) {
        if records.get(&index).is_some_and(|it| it.leaf != *leaf) {
            return Err((LEAF, record_path(index)));
        }
        frontier.push(leaf.hash());
    }
    let place = || ACCOUNT_CONSISTENCY_PATH.to_owned();
    let document = files.read(ACCOUNT_CONSISTENCY_PATH);
    let document = document.and_then(|it| Consistency::from_bytes(&it));
    let document = document.filter(|it| it.to == *note).ok_or_else(|| (ENCODING, place()))?;
    let mut inner = Report::of(Document::Consistency);
    let Some((end, _)) = extends(&mut inner, &document, trust) else {
        return Err((inner.broken.unwrap_or(CONSISTENCY), place()));
    };
    if (end.size, end.root) != (frontier.size(), frontier.root()) || end.origin != head.origin {
        return Err(at(INCLUSION));
    }
    let mut kids = BTreeSet::new();
    for (index, groups) in &account.others {
        let index: Option<u64> = index.parse().ok();
        let leaf = index.and_then(|it| leaves.get(usize::try_from(it.checked_sub(first)?).ok()?));
        let hashes = groups.iter().map(group_leaf).collect::<Option<Vec<_>>>();
        let given = leaf.and_then(|it| Some(Leaf::new(it.kind()?, &root_of(hashes?))));
        if groups.is_empty() || given.as_ref() != leaf {
            return Err(at(LEAF));
        }
        kids.extend(groups.iter().flat_map(|it| it.kids.iter().cloned()));
    }
    let others = account.others.len();
    Ok(Some(Accounted { first, leaves, end: end.size, others, kids }))
}

/// A range of entries, each of which is proven to be what it is.
#[derive(Debug)]
struct Accounted {
    first: u64,
    leaves: Vec<Leaf>,
    end: u64,
    others: usize,
    /// The names of all keys of the entries of which there is no record.
    kids: BTreeSet<String>,
}

/// Whether the records are what the question is about, and all of it, as far as that is claimed.
fn answers(
    scope: &Scope,
    head: &Checkpoint,
    records: &BTreeMap<u64, Record>,
    account: Option<&Accounted>,
) -> Result<(), Wrong> {
    let missing = |what: String| (INCOMPLETE, what);
    match &scope.question {
        Question::Decision { decision } => {
            let is_it = |it: &Record| {
                it.core.as_ref().and_then(|it| it.id.as_ref()).is_some_and(|it| it == decision)
            };
            if !records.values().any(is_it) {
                return Err(missing(format!("decision {decision}")));
            }
        }
        Question::Sample { count, nonce } => {
            let nonce = bytes(nonce).ok_or((SAMPLE, SCOPE_PATH.to_owned()))?;
            let drawn = sample::indices(&nonce, &head.root, head.size, *count);
            let is_drawn = |(index, it): (&u64, &Record)| {
                drawn.contains(index) || it.kind == Some(EntryKind::ErasureDone)
            };
            if !drawn.iter().all(|it| records.contains_key(it)) || !records.iter().all(is_drawn) {
                return Err((SAMPLE, SCOPE_PATH.to_owned()));
            }
        }
        Question::Subject { .. } => {
            if let Some(account) = account {
                whole_person(records, account, head)?;
            }
        }
        Question::Node { from_us, until_us, .. } => {
            let account = account.ok_or_else(|| missing(ACCOUNT_PATH.to_owned()))?;
            whole_period(records, account, (*from_us, *until_us), head.size)?;
        }
    }
    Ok(())
}

/// No entry of which there is no record is sealed under a key of the person.
fn whole_person(
    records: &BTreeMap<u64, Record>,
    account: &Accounted,
    head: &Checkpoint,
) -> Result<(), Wrong> {
    let wrong = || (INCOMPLETE, ACCOUNT_PATH.to_owned());
    let n_entries = records.len().checked_add(account.others);
    let is_whole = account.first == 0
        && account.end == head.size
        && n_entries == Some(account.leaves.len())
        && records.keys().all(|it| *it < account.end);
    let mut theirs = records.values().flat_map(|it| &it.subject_kids);
    if is_whole && !theirs.any(|it| account.kids.contains(it)) { Ok(()) } else { Err(wrong()) }
}

/// Every decision around the period is there, so that it can be seen which of them are meant; of
/// those, what is not shown is a matter of [`absences`].
fn whole_period(
    records: &BTreeMap<u64, Record>,
    account: &Accounted,
    (from_us, until_us): (i64, i64),
    size: u64,
) -> Result<(), Wrong> {
    let mut seen: Vec<(u64, i64)> = Vec::new();
    for (index, leaf) in (account.first..).zip(&account.leaves) {
        if leaf.kind() != Some(EntryKind::Decision) {
            continue;
        }
        let missing = || (INCOMPLETE, record_path(index));
        let record = records.get(&index).filter(|it| it.is_decision()).ok_or_else(missing)?;
        let as_of = record.core.as_ref().and_then(|it| it.as_of_us).ok_or_else(missing)?;
        seen.push((index, as_of));
    }
    let begun = from_us.saturating_sub(DISORDER_MICROS);
    let over = until_us.saturating_add(DISORDER_MICROS);
    let begins = account.first == 0 || seen.first().is_some_and(|(_, at)| *at < begun);
    let ends = account.end == size || seen.last().is_some_and(|(_, at)| *at >= over);
    if begins && ends { Ok(()) } else { Err((INCOMPLETE, ACCOUNT_PATH.to_owned())) }
}

/// A group in scope that is not shown must be one whose key a later entry says is destroyed.
fn absences(report: &mut Report, scope: &Scope, records: &BTreeMap<u64, Record>) {
    for (index, record) in records {
        let is_beside = match &scope.question {
            Question::Node { node, from_us, until_us } => {
                record.is_decision()
                    && !record.core.as_ref().is_some_and(|it| {
                        it.as_of_us.is_some_and(|at| (*from_us..*until_us).contains(&at))
                            && it.nodes.iter().any(|it| it == node)
                    })
            }
            _ => false,
        };
        if is_beside {
            continue;
        }
        for (name, kids) in record.withheld.iter().filter(|it| scope.shows(&it.0)) {
            let mut later = records.range(index + 1..).map(|it| &it.1.destroyed);
            if !later.any(|destroyed| kids.iter().any(|it| destroyed.contains(it))) {
                let place = format!("{} `{name}`", record_path(*index));
                report.note(Exit::Unexplained, ABSENCE_UNPROVEN, Some(place));
            }
        }
    }
    if report.exit != Exit::Unexplained {
        report.checks.push("absences");
    }
}
