//! What may be written at a place: the fields that the version has there, or the values that a field may have.

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionParams, CompletionResponse, CompletionTextEdit, Documentation,
    InsertTextFormat, MarkupContent, MarkupKind, TextEdit,
};

use super::answers::{described, type_of};
use super::context::{Context, Quotes, What, context};
use super::documents::Document;
use spoutctl_fields::version::Version;
use spoutctl_fields::{Field, Kind, Message, SPEC};
use spoutctl_lint::spec::tree::Node;
use spoutctl_lint::spec::{Dialect, Parsed};

pub(super) fn completion(document: &Document, params: &CompletionParams) -> Option<CompletionResponse> {
    let known = document.known.as_ref()?;
    let at = document.offset(params.text_document_position.position);
    let is_json = known.parsed(&document.file).dialect == Dialect::Json;
    let context = context(document.file.text(), at, is_json)?;
    let version = known.options.version;
    let items = match &context.what {
        What::Key { present } => {
            let message = message_at(&context.path, version)?;
            let is_camel = prefers_camel(known.parsed(&document.file));
            let fields = message.fields_in(version);
            let fields = fields.filter(|field| !present.iter().any(|name| field.is_spelt(name)));
            fields
                .map(|field| key(document, &context, message, field, is_camel, is_json))
                .collect()
        }
        What::Value => values(document, &context, version)?,
    };
    Some(CompletionResponse::Array(items))
}

/// Whether the names in a document are in camelCase.
fn prefers_camel(parsed: &Parsed) -> bool {
    fn count(node: &Node, snake: &mut usize, camel: &mut usize) {
        for member in node.members() {
            let name = &member.key.name;
            *snake += usize::from(name.contains('_'));
            *camel += usize::from(!name.contains('_') && name.contains(|c: char| c.is_ascii_uppercase()));
            // Names of environment variables are no fields.
            if name != "env" {
                count(&member.value, snake, camel);
            }
        }
        node.elements().iter().for_each(|element| count(element, snake, camel));
    }
    let (mut snake, mut camel) = (0, 0);
    for document in &parsed.documents {
        count(&document.root, &mut snake, &mut camel);
    }
    camel > snake
}

fn message_at(path: &[String], version: Version) -> Option<&'static Message> {
    path.iter().try_fold(&SPEC, |message, name| {
        match message.fields_in(version).find(|field| field.is_spelt(name))?.kind {
            Kind::Message(inner) => Some(inner),
            _ => None,
        }
    })
}

fn key(
    document: &Document,
    context: &Context,
    message: &Message,
    field: &Field,
    is_camel: bool,
    is_json: bool,
) -> CompletionItem {
    let name = if is_camel {
        field.json_name()
    } else {
        field.name.to_owned()
    };
    let is_nested = matches!(field.kind, Kind::Message(_) | Kind::Strings) || field.repeated;
    let text = match (is_json, context.quotes) {
        (true, Quotes::Open) => name.clone(),
        (true, _) => format!("\"{name}\": "),
        (false, Quotes::Open) => format!("{name}: "),
        (false, _) if is_nested => format!("{name}:"),
        (false, _) => format!("{name}: "),
    };
    // Some editors insert a plain text up to its first blank: a snippet is inserted whole.
    let is_snippet = document.editor.takes_snippets && text.ends_with(' ');
    let text = if is_snippet {
        format!("{}$0", text.replace('$', "\\$"))
    } else {
        text
    };
    CompletionItem {
        insert_text_format: is_snippet.then_some(InsertTextFormat::SNIPPET),
        label: name.clone(),
        kind: Some(CompletionItemKind::FIELD),
        detail: Some(type_of(field)),
        documentation: Some(markdown(described(message, field))),
        filter_text: Some(name),
        text_edit: Some(edit(document, context, text)),
        ..CompletionItem::default()
    }
}

fn markdown(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent {
        kind: MarkupKind::Markdown,
        value,
    })
}

fn edit(document: &Document, context: &Context, new_text: String) -> CompletionTextEdit {
    CompletionTextEdit::Edit(TextEdit {
        range: document.range(context.span),
        new_text,
    })
}

/// Values, and what each means.
type Choices = &'static [(&'static str, &'static str)];

/// Values of fields that are strings and have only a few.
const FEW: &[(&str, &str, Choices)] = &[
    (
        "Service",
        "type",
        &[
            ("NodePort", "A port of every node, 30000 to 32767; the default."),
            ("ClusterIP", "Within the cluster only."),
            ("LoadBalancer", "An address of the cloud's load balancer."),
        ],
    ),
    (
        "CreatePipelineRequest",
        "reprocess_spec",
        &[
            ("until_success", "A datum that has succeeded is done; the default."),
            ("every_job", "Each job does all datums anew."),
        ],
    ),
];

fn values(document: &Document, context: &Context, version: Version) -> Option<Vec<CompletionItem>> {
    let (name, above) = context.path.split_last()?;
    let message = message_at(above, version)?;
    let field = message.fields_in(version).find(|field| field.is_spelt(name))?;
    let few = FEW
        .iter()
        .find(|(of, name, _)| (*of, *name) == (message.name, field.name));
    let choices: Vec<(&str, &str)> = match (field.kind, few) {
        (Kind::Bool, _) => vec![("true", ""), ("false", "")],
        (Kind::Enum(names), _) => {
            let words = |value| spoutctl_fields::doc_of_value(names.name, value).unwrap_or_default();
            names.values.iter().map(|value| (*value, words(value))).collect()
        }
        (_, Some((.., values))) => values.to_vec(),
        _ => return None,
    };
    let needs_quotes = context.quotes == Quotes::Missing && !matches!(field.kind, Kind::Bool);
    let item = |(value, words): (&str, &str)| CompletionItem {
        label: value.to_owned(),
        kind: Some(CompletionItemKind::ENUM_MEMBER),
        documentation: (!words.is_empty()).then(|| markdown(words.to_owned())),
        filter_text: Some(value.to_owned()),
        text_edit: Some(edit(
            document,
            context,
            if needs_quotes {
                format!("\"{value}\"")
            } else {
                value.to_owned()
            },
        )),
        ..CompletionItem::default()
    };
    Some(choices.into_iter().map(item).collect())
}
