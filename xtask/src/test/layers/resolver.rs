//! The way from a path to the files that define it, through child modules, imports, globs and
//! re-exports.

use std::collections::{BTreeMap, BTreeSet};

use syn::Item;

use super::references::{Import, References};
use super::sources::Sources;

/// The scopes of a target's modules.
pub(super) struct Resolver<'run> {
    sources: &'run Sources,
    references: &'run [References],
    scopes: Vec<BTreeMap<String, Vec<Binding>>>,
    /// The modules that implement a function of a type, by the type and the function's name.
    functions: BTreeMap<(Definition, String), BTreeSet<usize>>,
}

/// The module that defines a name, and the name.
pub(super) type Definition = (usize, String);

/// The meaning of a name in a scope.
#[derive(Clone, Copy, Debug)]
enum Binding {
    Item,
    Module(usize),
    /// The index of an import of the scope's module.
    Import(usize),
}

/// The end of a path inside of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Module(usize),
    Item(Definition),
}

/// The imports that are being followed, as module and index, so that none is followed in a circle.
type Trail = Vec<(usize, usize)>;

impl<'run> Resolver<'run> {
    /// Creates the scopes of `sources`, whose modules have these references.
    pub(super) fn new(sources: &'run Sources, references: &'run [References]) -> Self {
        let mut resolver = Self {
            sources,
            references,
            scopes: scopes(sources, references),
            functions: BTreeMap::new(),
        };
        resolver.functions = resolver.functions();
        resolver
    }

    /// Returns the definitions that `path` refers to in `module`: an item, and the function of an
    /// `impl` block where the path ends in one. A path to a module, or out of the target, has none.
    pub(super) fn definitions(&self, module: usize, path: &[String]) -> BTreeSet<Definition> {
        let mut found = BTreeSet::new();
        for (target, rest) in self.resolve(module, path, &Trail::new()) {
            let Target::Item(item) = target else {
                continue;
            };
            if let [function] = rest {
                let blocks = self.functions.get(&(item.clone(), function.clone()));
                let blocks = blocks
                    .into_iter()
                    .flatten()
                    .filter(|block| **block != item.0);
                found.extend(blocks.map(|block| (*block, format!("{}::{function}", item.1))));
            }
            found.insert(item);
        }
        found
    }

    /// Follows a path to its item or module; with an item comes the rest of the path, which is
    /// inside of the item.
    fn resolve<'path>(
        &self,
        module: usize,
        path: &'path [String],
        trail: &Trail,
    ) -> Vec<(Target, &'path [String])> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let starts = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => vec![Target::Module(self.parent_of(module))],
            name => self.look_up(module, name, trail).unwrap_or_default(),
        };
        self.descend(starts, rest, trail)
    }

    fn descend<'path>(
        &self,
        mut starts: Vec<Target>,
        path: &'path [String],
        trail: &Trail,
    ) -> Vec<(Target, &'path [String])> {
        let Some((name, rest)) = path.split_first() else {
            return starts.into_iter().map(|start| (start, path)).collect();
        };
        // A function may have the name of a module; only the module has names in it.
        if starts
            .iter()
            .any(|start| matches!(start, Target::Module(_)))
        {
            starts.retain(|start| matches!(start, Target::Module(_)));
        }
        let mut ends = Vec::new();
        for start in starts {
            match start {
                Target::Item(_) => ends.push((start, path)),
                Target::Module(module) => {
                    ends.extend(self.descend(self.member(module, name, trail), rest, trail));
                }
            }
        }
        ends
    }

    fn member(&self, module: usize, name: &str, trail: &Trail) -> Vec<Target> {
        if name == "super" {
            return vec![Target::Module(self.parent_of(module))];
        }
        // A name that is not written in the module is one that a macro of it makes.
        self.look_up(module, name, trail)
            .unwrap_or_else(|| vec![Target::Item((module, name.to_owned()))])
    }

    /// Returns the meanings of a name in a module; `None` if it has none there.
    fn look_up(&self, module: usize, name: &str, trail: &Trail) -> Option<Vec<Target>> {
        if let Some(bindings) = self.scopes[module].get(name) {
            let targets = bindings.iter();
            return Some(
                targets
                    .flat_map(|binding| self.follow(module, name, *binding, trail))
                    .collect(),
            );
        }
        let imports = self.references[module].imports.iter().enumerate();
        let mut globs = imports.filter(|(_, import)| import.alias.is_none());
        globs.find_map(|(index, _)| {
            let (trail, origin) = self.origin(module, index, trail)?;
            let modules = origin.into_iter().filter_map(|target| match target {
                Target::Module(module) => Some(module),
                Target::Item(_) => None,
            });
            modules
                .filter_map(|module| self.look_up(module, name, &trail))
                .next()
        })
    }

    fn follow(&self, module: usize, name: &str, binding: Binding, trail: &Trail) -> Vec<Target> {
        match binding {
            Binding::Item => vec![Target::Item((module, name.to_owned()))],
            Binding::Module(child) => vec![Target::Module(child)],
            Binding::Import(index) => self
                .origin(module, index, trail)
                .map_or_else(Vec::new, |(_, targets)| targets),
        }
    }

    /// Resolves the path of an import; `None` if that is being done already.
    fn origin(&self, module: usize, index: usize, trail: &Trail) -> Option<(Trail, Vec<Target>)> {
        if trail.contains(&(module, index)) {
            return None;
        }
        let mut trail = trail.clone();
        trail.push((module, index));
        let path = &self.references[module].imports[index].reference.path;
        let targets = self.resolve(module, path, &trail).into_iter();
        let targets = targets.map(|(target, _)| target).collect();
        Some((trail, targets))
    }

    fn parent_of(&self, module: usize) -> usize {
        self.sources.modules[module].parent.unwrap_or(module)
    }

    fn functions(&self) -> BTreeMap<(Definition, String), BTreeSet<usize>> {
        let mut functions = BTreeMap::<_, BTreeSet<usize>>::new();
        for (module, references) in self.references.iter().enumerate() {
            for function in &references.functions {
                for (target, _) in self.resolve(module, &function.self_type, &Trail::new()) {
                    if let Target::Item(definition) = target {
                        let key = (definition, function.name.clone());
                        functions.entry(key).or_default().insert(module);
                    }
                }
            }
        }
        functions
    }
}

fn scopes(sources: &Sources, references: &[References]) -> Vec<BTreeMap<String, Vec<Binding>>> {
    let mut scopes = vec![BTreeMap::<String, Vec<Binding>>::new(); sources.modules.len()];
    for (index, module) in sources.modules.iter().enumerate() {
        for name in module.items.iter().filter_map(name_of) {
            scopes[index].entry(name).or_default().push(Binding::Item);
        }
        if let Some(parent) = module.parent {
            let bindings = scopes[parent].entry(module.name.clone()).or_default();
            bindings.push(Binding::Module(index));
        }
        let imports = references[index].imports.iter().enumerate();
        for (import, Import { alias, .. }) in imports {
            if let Some(alias) = alias {
                let bindings = scopes[index].entry(alias.clone()).or_default();
                bindings.push(Binding::Import(import));
            }
        }
    }
    scopes
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
