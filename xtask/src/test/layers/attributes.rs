//! Attributes that decide which code counts: `cfg(test)`, `test` and `path`.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Expr, Item, Lit, Meta};

/// Returns true for an item that only tests compile.
pub(super) fn is_test_item(item: &Item) -> bool {
    is_test(attributes_of(item))
}

/// Returns true if one of the attributes is `#[test]` or a `#[cfg(…)]` that asks for `test`.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = attribute.path().segments.last();
        match &attribute.meta {
            Meta::List(list) if attribute.path().is_ident("cfg") => asks_for_test(&list.tokens),
            _ => last.is_some_and(|segment| segment.ident == "test"),
        }
    })
}

/// Returns the value of `#[path = "…"]`.
pub(super) fn path(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes
        .iter()
        .find(|attribute| attribute.path().is_ident("path"))?;
    match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(syn::ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

/// Returns true if the predicate of a `cfg` names `test` outside of `not(…)`.
fn asks_for_test(predicate: &TokenStream) -> bool {
    let mut is_negated = false;
    predicate.clone().into_iter().any(|token| match token {
        TokenTree::Ident(name) => {
            is_negated = name == "not";
            name == "test"
        }
        TokenTree::Group(group) => !is_negated && asks_for_test(&group.stream()),
        _ => false,
    })
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
