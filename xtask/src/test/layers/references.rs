//! The references of one module: its `use` declarations, the paths in its code and in the
//! arguments of its macros, and the functions that its `impl` blocks define.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

use super::attributes;

/// A path and the line that it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// One name that a `use` declaration brings into scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) reference: Reference,
    /// The name in scope; `None` for a glob.
    pub(super) alias: Option<String>,
    /// Passes the name on to other modules, and is no reference by itself.
    pub(super) is_reexport: bool,
}

/// A function of an `impl` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AssociatedFunction {
    pub(super) self_type: Vec<String>,
    pub(super) name: String,
}

/// The references of a module.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) imports: Vec<Import>,
    pub(super) paths: Vec<Reference>,
    pub(super) functions: Vec<AssociatedFunction>,
    /// The type that `Self` means at the moment.
    self_type: Vec<String>,
}

impl References {
    /// Collects the references of a module's items.
    pub(super) fn of(items: &[Item]) -> Self {
        let mut references = Self::default();
        for item in items {
            references.visit_item(item);
        }
        references
    }

    fn add_path(&mut self, mut path: Vec<String>, line: usize) {
        if path.first().is_some_and(|first| first == "Self") {
            path.splice(..1, self.self_type.iter().cloned());
        }
        if !path.is_empty() {
            self.paths.push(Reference { path, line });
        }
    }

    fn add_import(&mut self, mut path: Vec<String>, tree: &UseTree, is_reexport: bool) {
        let (name, alias) = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.add_import(path, &tree.tree, is_reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_import(path.clone(), tree, is_reexport);
                }
                return;
            }
            UseTree::Name(tree) => (Some(&tree.ident), Some(tree.ident.to_string())),
            UseTree::Rename(tree) => (Some(&tree.ident), Some(tree.rename.to_string())),
            UseTree::Glob(_) => (None, None),
        };
        let line = line_of(tree);
        let is_self = name.is_some_and(|name| name == "self") && !path.is_empty();
        let alias = if is_self && alias.as_deref() == Some("self") {
            path.last().cloned()
        } else {
            alias
        };
        path.extend(name.filter(|_| !is_self).map(ToString::to_string));
        self.imports.push(Import {
            reference: Reference { path, line },
            alias,
            is_reexport,
        });
    }

    /// Adds each sequence of names joined by `::`, since the arguments of a macro have no syntax of
    /// their own.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                }
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path), line);
                        line = name.span().start().line;
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.add_path(std::mem::take(&mut path), line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add_path(path, line);
    }
}

impl<'ast> Visit<'ast> for References {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes::is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            let is_reexport = !matches!(item.vis, Visibility::Inherited);
            self.add_import(Vec::new(), &item.tree, is_reexport);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let self_type = path_of_type(&item.self_ty).unwrap_or_default();
        let outer = std::mem::replace(&mut self.self_type, self_type);
        visit::visit_item_impl(self, item);
        self.self_type = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !attributes::is_test(&item.attrs) {
            self.functions.push(AssociatedFunction {
                self_type: self.self_type.clone(),
                name: item.sig.ident.to_string(),
            });
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !attributes::is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !attributes::is_test(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.add_path(names(path), line_of_path(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.add_tokens(call.tokens.clone());
    }

    /// Leaves attributes out: their paths name derives and tools of other crates.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// Leaves visibilities out: `pub(super)` refers to no name.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn path_of_type(self_type: &syn::Type) -> Option<Vec<String>> {
    match self_type {
        syn::Type::Path(found) if found.qself.is_none() => Some(names(&found.path)),
        syn::Type::Reference(reference) => path_of_type(&reference.elem),
        _ => None,
    }
}

fn names(path: &syn::Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments.map(|segment| segment.ident.to_string()).collect()
}

fn line_of_path(path: &syn::Path) -> usize {
    let first = path.segments.first();
    first.map_or(0, |segment| segment.ident.span().start().line)
}

fn line_of(tree: &UseTree) -> usize {
    let span = match tree {
        UseTree::Name(tree) => tree.ident.span(),
        UseTree::Rename(tree) => tree.ident.span(),
        UseTree::Glob(tree) => tree.star_token.spans[0],
        _ => proc_macro2::Span::call_site(),
    };
    span.start().line
}
