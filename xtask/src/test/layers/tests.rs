use std::path::Path;

use super::circles::Circle;
use super::*;

/// Finds the circles of a target whose root is `lib.rs`; each file begins with a line `//! its
/// name`.
fn circles_in(text: &str) -> Vec<Circle> {
    let files: Vec<(&str, &str)> = text
        .split("//! ")
        .filter_map(|file| file.split_once('\n'))
        .collect();
    let read = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        file.map(|(_, text)| (*text).to_owned())
    };
    circles::find(&sources::read_target(Path::new("lib.rs"), &read).unwrap())
}

fn edges(circle: &Circle) -> Vec<String> {
    let edges = circle.edges.iter();
    edges
        .map(|edge| {
            let (from, to) = (edge.from.display(), edge.to.display());
            format!("{from}:{} {} {to}", edge.line, edge.name)
        })
        .collect()
}

#[test]
fn a_circle_is_found_with_the_references_that_make_it() {
    let circles = circles_in(
        "//! lib.rs
mod a; mod b; mod c;
//! a.rs
use crate::b::{self, Second};
use crate::c::leaf;
pub struct First;
fn f() { leaf(); b::f(); }
//! b.rs
pub struct Second(super::a::First);
pub fn f() {}
//! c.rs
pub fn leaf() {}
",
    );
    assert_eq!(circles.len(), 1);
    let expected = [
        "a.rs:1 crate::b::Second b.rs",
        "a.rs:4 b::f b.rs",
        "b.rs:1 super::a::First a.rs",
    ];
    assert_eq!(edges(&circles[0]), expected);
}

#[test]
fn what_counts_as_a_circle() {
    for (case, expected, text) in [
        (
            "a child that uses a type of its parent, which uses the child",
            1,
            "//! lib.rs\nmod a;\n//! a.rs\nmod b;\npub struct A;\nfn f() { b::f() }\n//! a/b.rs\npub fn f() -> super::A { todo!() }\n",
        ),
        (
            "a child that uses its parent's constant, which only declares it",
            0,
            "//! lib.rs\nmod a;\nconst N: u8 = 1;\n//! a.rs\nconst M: u8 = crate::N;\n",
        ),
        (
            "a re-export, resolved to the file that defines the name",
            1,
            "//! lib.rs\nmod a;\nmod b;\npub use a::A;\n//! a.rs\nuse crate::b::f;\npub struct A;\n//! b.rs\npub fn f(_: crate::A) {}\n",
        ),
        (
            "a re-export as such",
            0,
            "//! lib.rs\nmod a;\npub use a::A;\npub struct B;\n//! a.rs\npub struct A(crate::B);\n",
        ),
        (
            "the use of a name that the same file re-exports",
            1,
            "//! lib.rs\nmod a;\npub(crate) use a::A;\npub struct B;\nfn f(_: A) {}\n//! a.rs\npub struct A(crate::B);\n",
        ),
        (
            "a private import that a child passes through",
            0,
            "//! lib.rs\nmod a;\nmod b;\nuse b::B;\nfn f(_: B, _: a::A) {}\n//! a.rs\npub struct A(super::B);\n//! b.rs\npub struct B;\n",
        ),
        (
            "a name renamed by an import",
            1,
            "//! lib.rs\nmod a;\npub struct B;\nuse a::A as C;\nfn f(_: C) {}\n//! a.rs\nuse super::B as D;\npub struct A(D);\n",
        ),
        (
            "a name that a glob imports",
            1,
            "//! lib.rs\nmod a;\npub struct B;\nfn f(_: a::A) {}\n//! a.rs\nuse super::*;\npub struct A(B);\n",
        ),
        (
            "a glob that serves names of another file",
            0,
            "//! lib.rs\nmod a;\nmod b;\nuse b::B;\nfn f(_: a::A) {}\n//! a.rs\nuse super::*;\npub struct A(B);\n//! b.rs\npub struct B;\n",
        ),
        (
            "a type that a macro makes",
            1,
            "//! lib.rs\nmod a;\nmod b;\nmacro_rules! id { ($n:ident) => { pub struct $n; } }\n//! a.rs\nid!(A);\nfn f() { crate::b::f() }\n//! b.rs\npub fn f() -> crate::a::A { todo!() }\n",
        ),
        (
            "paths in the arguments of a macro",
            1,
            "//! lib.rs\nmod a;\nconst N: u8 = 1;\nfn f() { println!(\"{}\", [a::M]) }\n//! a.rs\npub const M: u8 = 1;\nfn f() { println!(\"{}\", super::N) }\n",
        ),
        (
            "a function with the name of a module, and another function of that",
            0,
            "//! lib.rs\nmod start;\nmod b;\nmod c;\npub use c::start;\n//! start.rs\npub fn g() {}\n//! b.rs\npub fn f() { crate::start::g() }\n//! c.rs\npub fn start() { crate::b::f() }\n",
        ),
        (
            "a function of a type that another file implements",
            1,
            "//! lib.rs\nmod a;\nmod b;\npub struct S;\n//! a.rs\nuse crate::S;\nimpl S { pub fn f() { Self::g() } }\n//! b.rs\nuse crate::{S, a};\nimpl S { pub fn g() { S::f() } }\n",
        ),
        (
            "inline modules, which belong to their file",
            0,
            "//! lib.rs\nmod a { pub struct A(super::B); }\nstruct B;\nfn f(_: a::A) {}\n",
        ),
        (
            "a file of an inline module",
            1,
            "//! lib.rs\nmod a { mod b; pub fn f() { b::f() } }\nstruct B;\n//! a/b.rs\npub fn f() { super::super::B; }\n",
        ),
        (
            "files named by a path, and mod.rs",
            1,
            "//! lib.rs\n#[path = \"x/y.rs\"]\nmod a;\nmod b;\n//! x/y.rs\nmod c;\npub fn f() { c::f() }\n//! x/c.rs\npub fn f() { super::super::b::f() }\n//! b/mod.rs\nmod d;\npub fn f() { crate::a::f(); d::f() }\n//! b/d.rs\npub fn f() {}\n",
        ),
        (
            "tests",
            0,
            "//! lib.rs\nmod a;\nstruct B;\n#[cfg(test)]\nmod tests;\n#[cfg(all(test, unix))]\nuse a::A;\n#[test]\nfn t() { a::A; }\nstruct C { #[cfg(test)] a: a::A }\nimpl C { #[cfg(test)] fn f(_: a::A) {} }\n//! a.rs\npub struct A(super::B);\n",
        ),
        (
            "code that tests leave out",
            1,
            "//! lib.rs\nmod a;\nstruct B;\n#[cfg(not(test))]\nfn f() { a::A; }\n//! a.rs\npub struct A(super::B);\n",
        ),
        (
            "a crate with the name of a module elsewhere",
            0,
            "//! lib.rs\nmod a;\nmod http;\n//! a.rs\nuse http::A;\npub struct B;\n//! http.rs\nuse crate::a::B;\npub struct A;\n",
        ),
        (
            "imports that go round",
            0,
            "//! lib.rs\nmod a;\nmod b;\n//! a.rs\npub use crate::b::X;\nfn f(_: X) {}\n//! b.rs\npub use crate::a::X;\n",
        ),
    ] {
        let found = circles_in(text);
        let described: Vec<_> = found.iter().map(edges).collect();
        assert_eq!(found.len(), expected, "{case}: {described:#?}");
    }
}

#[test]
fn two_circles_are_counted_as_two_and_one_of_three_files_as_one() {
    let circles = circles_in(
        "//! lib.rs
mod a; mod b; mod c; mod d; mod e;
//! a.rs
pub fn a() { crate::b::b() }
//! b.rs
pub fn b() { crate::c::c() }
//! c.rs
pub fn c() { crate::a::a(); crate::d::d() }
//! d.rs
pub fn d() { crate::e::e() }
//! e.rs
pub fn e() { crate::d::d() }
",
    );
    let files = circles.iter().map(|circle| circle.files.len());
    assert_eq!(files.collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn the_known_number_of_circles_may_only_fall() {
    let known = [("store", 2)];
    let circle = |name: &str| format!("{name}: a circle");
    for (case, name, found, findings) in [
        ("as many as known", "store", 2, 0),
        ("more than known", "store", 3, 3),
        ("fewer than known", "store", 1, 1),
        ("none in a crate without any known", "chat", 0, 0),
        ("one in a crate without any known", "chat", 1, 1),
    ] {
        let circles = vec![circle(name); found];
        assert_eq!(judge(name, &circles, &known).len(), findings, "{case}");
    }
}

#[test]
fn crates_depend_on_lower_floors_only() {
    let packages = |name: &str, dependency: &str, kind: &str| {
        let described = format!(
            r#"{{"packages":[{{"name":"{name}","targets":[],"dependencies":[
                {{"name":"{dependency}","kind":{kind},"path":"/somewhere"}},
                {{"name":"serde","kind":null,"path":null}}]}}]}}"#
        );
        packages::parse(&described).unwrap()
    };
    for (case, name, dependency, kind, expected) in [
        ("downward", "store", "message", "null", 0),
        ("upward", "message", "store", "null", 1),
        ("on the same floor", "store", "session", "null", 1),
        ("of tests", "message", "store", r#""dev""#, 0),
        ("without a floor", "store", "utils", "null", 1),
        ("of a crate without a floor", "utils", "message", "null", 1),
    ] {
        let findings = floors::findings(&packages(name, dependency, kind));
        assert_eq!(findings.len(), expected, "{case}: {findings:?}");
    }
}
