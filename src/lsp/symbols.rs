//! The outline of a document: each pipeline by its name, and its fields.

use lsp_types::{DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, SymbolKind};

use super::documents::Document;
use spoutctl_lint::spec::tree::{Member, Node, Value};

/// How deep an outline goes; nobody looks for what is deeper.
const DEEPEST: usize = 4;

pub(super) fn symbols(document: &Document, _: &DocumentSymbolParams) -> Option<DocumentSymbolResponse> {
    let known = document.known.as_ref()?;
    let specs = known.parsed(&document.file).documents.iter().map(|spec| {
        let name = name_of(&spec.root).unwrap_or("(no name)");
        let children = children(document, &spec.root, 1);
        let range = document.range(spec.root.span);
        symbol(name.to_owned(), SymbolKind::MODULE, (range, range), children)
    });
    Some(DocumentSymbolResponse::Nested(specs.collect()))
}

fn name_of(root: &Node) -> Option<&str> {
    let member = |node: &'_ Node, name: &str| node.members().iter().position(|member| member.key.name == name);
    let pipeline = &root.members().get(member(root, "pipeline")?)?.value;
    let name = &pipeline.members().get(member(pipeline, "name")?)?.value;
    name.as_str().filter(|name| !name.is_empty())
}

fn children(document: &Document, node: &Node, depth: usize) -> Vec<DocumentSymbol> {
    if depth > DEEPEST {
        return Vec::new();
    }
    let members = node.members().iter().filter(|member| !member.key.name.is_empty());
    let named = members.map(|member| field(document, member, depth));
    let elements = node.elements().iter().enumerate();
    let objects = elements.filter(|(_, element)| !element.members().is_empty());
    let numbered = objects.map(|(at, element)| {
        let range = document.range(element.span);
        let inner = children(document, element, depth + 1);
        symbol(format!("[{at}]"), SymbolKind::OBJECT, (range, range), inner)
    });
    named.chain(numbered).collect()
}

fn field(document: &Document, member: &Member, depth: usize) -> DocumentSymbol {
    let kind = match &member.value.value {
        Value::Object(_) => SymbolKind::OBJECT,
        Value::Array(_) => SymbolKind::ARRAY,
        Value::Bool(_) => SymbolKind::BOOLEAN,
        Value::Number(_) => SymbolKind::NUMBER,
        Value::Null => SymbolKind::NULL,
        Value::String(_) | Value::Unreadable => SymbolKind::STRING,
    };
    let mut range = document.range(member.span());
    let selection = document.range(member.key.span);
    // What is not written ends before its key.
    range.end = range.end.max(selection.end);
    let inner = children(document, &member.value, depth + 1);
    symbol(member.key.name.clone(), kind, (range, selection), inner)
}

#[expect(deprecated, reason = "lsp-types has no other way to make one")]
fn symbol(
    name: String,
    kind: SymbolKind,
    (range, selection_range): (lsp_types::Range, lsp_types::Range),
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    DocumentSymbol {
        name,
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range,
        selection_range,
        children: (!children.is_empty()).then_some(children),
    }
}
