//! The modules of one target, read from its root file by following `mod`. Leaves out what only
//! tests compile.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::attributes;

/// The modules of a target; the root is the first.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<Module>,
}

/// A module with its items, without those that only tests compile.
pub(super) struct Module {
    pub(super) name: String,
    /// The index of the file that it is written in; an inline module shares that of its parent.
    pub(super) file: usize,
    /// The index of the module that declares it.
    pub(super) parent: Option<usize>,
    pub(super) items: Vec<syn::Item>,
}

/// The folders that the file of a declared module is looked up in.
#[derive(Clone, Debug)]
struct Folders {
    /// For `mod name;`.
    children: PathBuf,
    /// For `#[path = "…"] mod name;`.
    paths: PathBuf,
}

/// Reads the target that begins in the file `root`, with `read` giving the text of a file, or
/// `None` if there is none.
///
/// # Errors
/// A file is missing or is not Rust.
pub(super) fn read_target(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Result<Sources> {
    let mut reader = Reader {
        sources: Sources::default(),
        read,
    };
    let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
    let folders = Folders {
        children: folder.clone(),
        paths: folder,
    };
    reader.read_file("crate", root, None, &folders)?;
    Ok(reader.sources)
}

struct Reader<'run> {
    sources: Sources,
    read: &'run dyn Fn(&Path) -> Option<String>,
}

impl Reader<'_> {
    fn read_file(
        &mut self,
        name: &str,
        path: &Path,
        parent: Option<usize>,
        folders: &Folders,
    ) -> Result<()> {
        let text =
            (self.read)(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let syntax = syn::parse_file(&text)
            .with_context(|| format!("{} cannot be parsed", path.display()))?;
        self.sources.files.push(path.to_path_buf());
        let module = Module {
            name: name.to_owned(),
            file: self.sources.files.len() - 1,
            parent,
            items: syntax.items,
        };
        self.add(module, folders)
    }

    /// Adds a module, and after it the modules that it declares.
    fn add(&mut self, mut module: Module, folders: &Folders) -> Result<()> {
        module.items.retain(|item| !attributes::is_test_item(item));
        let (declared, items) = std::mem::take(&mut module.items)
            .into_iter()
            .partition::<Vec<_>, _>(|item| matches!(item, syn::Item::Mod(_)));
        module.items = items;
        let (index, file) = (self.sources.modules.len(), module.file);
        self.sources.modules.push(module);
        for item in declared {
            if let syn::Item::Mod(declaration) = item {
                self.declare(declaration, index, file, folders)?;
            }
        }
        Ok(())
    }

    fn declare(
        &mut self,
        declaration: syn::ItemMod,
        parent: usize,
        file: usize,
        folders: &Folders,
    ) -> Result<()> {
        let name = declaration.ident.to_string();
        if let Some((_, items)) = declaration.content {
            let folder = folders.children.join(&name);
            let folders = Folders {
                children: folder.clone(),
                paths: folder,
            };
            let module = Module {
                name,
                file,
                parent: Some(parent),
                items,
            };
            return self.add(module, &folders);
        }
        let named = attributes::path(&declaration.attrs).map(|path| folders.paths.join(path));
        let path = self.file_of(&name, named, folders)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let children = if path.ends_with("mod.rs") || attributes::path(&declaration.attrs).is_some()
        {
            folder.clone()
        } else {
            folder.join(&name)
        };
        let folders = Folders {
            children,
            paths: folder,
        };
        self.read_file(&name, &path, Some(parent), &folders)
    }

    fn file_of(&self, name: &str, named: Option<PathBuf>, folders: &Folders) -> Result<PathBuf> {
        let candidates = match named {
            Some(path) => vec![path],
            None => vec![
                folders.children.join(format!("{name}.rs")),
                folders.children.join(name).join("mod.rs"),
            ],
        };
        match candidates.iter().find(|path| (self.read)(path).is_some()) {
            Some(path) => Ok(path.clone()),
            None => bail!(
                "the file of module {name} is not in {}",
                folders.children.display()
            ),
        }
    }
}
