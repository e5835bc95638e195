//! Circles of files: files that use each other, directly or through others. A file may use what the modules that contain it
//! define; such a use counts as part of the file itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::paths::path_uses;
use crate::source::Source;

/// A use of one file by another: the line and the name used.
type Arrows = BTreeMap<usize, BTreeMap<usize, String>>;

/// Describes each circle: its files, and the uses between them.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let arrows = Files::new(sources).arrows(sources);
    let reach: Vec<BTreeSet<usize>> = (0..sources.len()).map(|file| reachable(&arrows, file)).collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for file in 0..sources.len() {
        let circle: BTreeSet<usize> = reach[file].iter().copied().filter(|other| reach[*other].contains(&file)).collect();
        if !circle.is_empty() && seen.insert(circle.clone()) {
            found.push(describe(sources, &arrows, &circle));
        }
    }
    found
}

fn reachable(arrows: &Arrows, from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(arrows.get(&file).into_iter().flatten().map(|(next, _)| *next).filter(|next| reached.insert(*next)));
    }
    reached
}

fn describe(sources: &[Source], arrows: &Arrows, circle: &BTreeSet<usize>) -> String {
    let mut text = "these files use each other; move what they share into a file below them:".to_owned();
    for file in circle {
        for (target, place) in arrows.get(file).into_iter().flatten().filter(|(target, _)| circle.contains(target)) {
            text += &format!("\n  src/{}:{place} -> src/{}", sources[*file].path, sources[*target].path);
        }
    }
    text
}

/// The files by module, and what each of them imports.
struct Files {
    by_module: HashMap<Vec<String>, usize>,
    imports: Vec<HashMap<String, Vec<String>>>,
}

impl Files {
    fn new(sources: &[Source]) -> Files {
        let by_module = sources.iter().enumerate().map(|(file, source)| (source.module(), file)).collect();
        let mut files = Files { by_module, imports: Vec::new() };
        files.imports = sources.iter().map(|source| files.imports_of(source)).collect();
        files
    }

    fn imports_of(&self, source: &Source) -> HashMap<String, Vec<String>> {
        let uses = path_uses(source).into_iter();
        uses.filter_map(|path| Some((path.imported_as.clone()?, self.absolute(source, path.own, path.steps)?))).collect()
    }

    /// A path from the root of the crate; `None` for a library's.
    fn absolute(&self, source: &Source, own: bool, steps: Vec<String>) -> Option<Vec<String>> {
        let in_child = || [source.module(), steps.clone()].concat();
        let child = || [source.module(), steps[..1].to_vec()].concat();
        if own { Some(steps) } else { self.by_module.contains_key(&child()).then(in_child) }
    }

    fn arrows(&self, sources: &[Source]) -> Arrows {
        let mut arrows = Arrows::new();
        for (file, source) in sources.iter().enumerate() {
            for path in path_uses(source) {
                let place = format!("{} {}", path.line, path.steps.join("::"));
                let target = self.absolute(source, path.own, path.steps).and_then(|steps| self.file_of(&steps, 8));
                if let Some(target) = target.filter(|target| !source.module().starts_with(&sources[*target].module())) {
                    arrows.entry(file).or_default().entry(target).or_insert(place);
                }
            }
        }
        arrows
    }

    /// The file that defines what a path names; follows at most `depth` re-exports.
    fn file_of(&self, steps: &[String], depth: usize) -> Option<usize> {
        let length = (1..=steps.len()).rev().find(|length| self.by_module.contains_key(&steps[..*length]))?;
        let file = self.by_module[&steps[..length]];
        let exported = steps.get(length).and_then(|name| self.imports[file].get(name)).filter(|_| depth > 0);
        match exported {
            Some(path) => self.file_of(&[path.as_slice(), &steps[length + 1..]].concat(), depth - 1).or(Some(file)),
            None => Some(file),
        }
    }
}
