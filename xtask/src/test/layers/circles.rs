//! The graph of a target's files, and the circles in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::references::{Reference, References};
use super::resolver::Resolver;
use super::sources::Sources;

/// Files that depend on each other, in order of their names.
#[derive(Debug)]
pub(super) struct Circle {
    pub(super) files: Vec<PathBuf>,
    pub(super) edges: Vec<Edge>,
}

/// A reference from one file to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// The name where it is defined.
    definition: String,
    pub(super) line: usize,
    /// The name as it is written here.
    pub(super) name: String,
}

/// Finds the circles of more than one file.
pub(super) fn find(sources: &Sources) -> Vec<Circle> {
    let edges = edges(sources);
    let mut next = BTreeMap::<&Path, BTreeSet<&Path>>::new();
    for edge in &edges {
        next.entry(&edge.from).or_default().insert(&edge.to);
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = next
        .keys()
        .map(|file| (*file, reachable(file, &next)))
        .collect();
    let reaches = |from: &Path, to: &Path| reached.get(from).is_some_and(|set| set.contains(to));
    let mut circles: Vec<Circle> = Vec::new();
    for file in next.keys().filter(|file| reaches(file, file)) {
        if circles
            .iter()
            .any(|circle| circle.files.contains(&file.to_path_buf()))
        {
            continue;
        }
        let files = next
            .keys()
            .filter(|other| reaches(file, other) && reaches(other, file));
        let files: Vec<PathBuf> = files.map(|file| file.to_path_buf()).collect();
        let edges = edges
            .iter()
            .filter(|edge| files.contains(&edge.from) && files.contains(&edge.to));
        circles.push(Circle {
            edges: edges.cloned().collect(),
            files,
        });
    }
    circles
}

/// Returns the references between files, of each definition the first in a file.
fn edges(sources: &Sources) -> Vec<Edge> {
    let modules = sources.modules.iter();
    let references: Vec<References> = modules
        .map(|module| References::of(&module.items))
        .collect();
    let resolver = Resolver::new(sources, &references);
    let mut edges = Vec::new();
    for (module, references) in references.iter().enumerate() {
        for reference in counted(references) {
            edges.extend(edges_of(reference, module, &resolver, sources));
        }
    }
    edges.sort();
    edges.dedup_by(|next, first| {
        (&next.from, &next.to, &next.definition) == (&first.from, &first.to, &first.definition)
    });
    edges
}

/// Returns the references that make a file depend on another. The uses of a name that a glob
/// imports count instead of the glob, and those of a re-exported name instead of the re-export.
fn counted(references: &References) -> impl Iterator<Item = &Reference> {
    let imports = references.imports.iter();
    let imports = imports.filter(|import| !import.is_reexport && import.alias.is_some());
    imports
        .map(|import| &import.reference)
        .chain(&references.paths)
}

fn edges_of(
    reference: &Reference,
    module: usize,
    resolver: &Resolver<'_>,
    sources: &Sources,
) -> Vec<Edge> {
    let file_of = |module: usize| &sources.files[sources.modules[module].file];
    let from = file_of(module);
    let definitions = resolver.definitions(module, &reference.path).into_iter();
    let elsewhere = definitions.filter(|(module, _)| file_of(*module) != from);
    elsewhere
        .map(|(module, definition)| Edge {
            from: from.clone(),
            to: file_of(module).clone(),
            definition,
            line: reference.line,
            name: reference.path.join("::"),
        })
        .collect()
}

fn reachable<'run>(
    start: &Path,
    next: &BTreeMap<&'run Path, BTreeSet<&'run Path>>,
) -> BTreeSet<&'run Path> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        for file in next.get(file).into_iter().flatten() {
            if reached.insert(*file) {
                open.push(file);
            }
        }
    }
    reached
}
