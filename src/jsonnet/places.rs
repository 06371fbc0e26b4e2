//! Where in a template each value of its result is written.
//!
//! An evaluator forgets where a value came from. So the syntax of the template is walked beside the result, as far
//! as it says by itself what a value is: literals, fields of objects, variables, objects that are added. Where it
//! does not (a call, a comprehension), the whole expression is the place of all that came of it.

use std::rc::Rc;

use rsjsonnet_lang::ast::{BinaryOp, Bind, Expr, ExprKind, Field, FieldName, Member, ObjInside, ObjLocal, Param};
use rsjsonnet_lang::span::{SpanId, SpanManager};
use serde_json::Value;

/// How many steps are made for one template: variables may stand for objects that have variables in them, without
/// end.
const MOST_STEPS: usize = 200_000;

/// What names stand for, the innermost first.
#[derive(Clone, Default)]
struct Scope<'x>(Option<Rc<Frame<'x>>>);

struct Frame<'x> {
    /// Nothing for what only a caller knows.
    names: Vec<(&'x str, Option<&'x Expr<'x, 'x>>)>,
    outer: Scope<'x>,
}

/// An expression, and what its names stand for.
#[derive(Clone)]
struct Site<'x> {
    expr: &'x Expr<'x, 'x>,
    scope: Scope<'x>,
}

/// The literal members of an object, and the scope that they are in.
struct Members<'x> {
    members: &'x [Member<'x, 'x>],
    scope: Scope<'x>,
}

/// A field of an object: its name's place, and the expressions that make its value, the last one first.
struct Found<'x> {
    name: (usize, usize),
    sites: Vec<Site<'x>>,
}

impl<'x> Scope<'x> {
    fn with(&self, names: Vec<(&'x str, Option<&'x Expr<'x, 'x>>)>) -> Self {
        Self(Some(Rc::new(Frame {
            names,
            outer: self.clone(),
        })))
    }

    fn with_binds(&self, binds: impl Iterator<Item = &'x Bind<'x, 'x>>) -> Self {
        let value = |bind: &'x Bind<'x, 'x>| bind.params.is_none().then_some(&bind.value);
        self.with(binds.map(|bind| (bind.name.value.value(), value(bind))).collect())
    }

    fn with_params(&self, params: &'x [Param<'x, 'x>], given: &[String]) -> Self {
        let default = |param: &'x Param<'x, 'x>| {
            let is_given = given.iter().any(|name| name == param.name.value.value());
            param.default_value.as_ref().filter(|_| !is_given)
        };
        self.with(
            params
                .iter()
                .map(|param| (param.name.value.value(), default(param)))
                .collect(),
        )
    }

    fn find(&self, name: &str) -> Option<Site<'x>> {
        let mut scope = self.clone();
        while let Some(frame) = scope.0.clone() {
            if let Some((_, value)) = frame.names.iter().find(|(known, _)| *known == name) {
                return value.map(|expr| Site { expr, scope });
            }
            scope = frame.outer.clone();
        }
        None
    }
}

/// What a walk gives.
pub(super) struct Walked {
    /// In the order in which the result is written: each value's, and before a member's value its name's.
    pub places: Vec<(usize, usize)>,
    pub is_function: bool,
}

pub(super) fn walk<'x>(root: &'x Expr<'x, 'x>, arguments: &[String], result: &Value, spans: &SpanManager) -> Walked {
    let mut walk = Walk {
        spans,
        steps: MOST_STEPS,
        places: Vec::new(),
    };
    let (site, is_function) = walk.enter(root, arguments);
    let fallback = walk.span(root.span);
    walk.value(result, &[site], fallback);
    Walked {
        places: walk.places,
        is_function,
    }
}

struct Walk<'s> {
    spans: &'s SpanManager,
    steps: usize,
    places: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn span(&self, span: SpanId) -> (usize, usize) {
        let (_, start, end) = self.spans.get_span(span);
        (start, end)
    }

    /// Goes into the function that a template is, if it is one.
    fn enter<'x>(&mut self, root: &'x Expr<'x, 'x>, arguments: &[String]) -> (Site<'x>, bool) {
        let site = self.settle(Site {
            expr: root,
            scope: Scope::default(),
        });
        match &site.expr.kind {
            ExprKind::Func(params, body) => {
                let scope = site.scope.with_params(params, arguments);
                (Site { expr: body, scope }, true)
            }
            _ => (site, false),
        }
    }

    /// The expression that says what the value is, behind parentheses, variables and the like.
    fn settle<'x>(&mut self, mut site: Site<'x>) -> Site<'x> {
        while let Some(steps) = self.steps.checked_sub(1) {
            self.steps = steps;
            site = match &site.expr.kind {
                ExprKind::Paren(inner) | ExprKind::Assert(_, inner) => Site {
                    expr: inner,
                    scope: site.scope,
                },
                ExprKind::Local(binds, body) => Site {
                    scope: site.scope.with_binds(binds.iter()),
                    expr: body,
                },
                ExprKind::Ident(name) => match site.scope.find(name.value.value()) {
                    Some(bound) => bound,
                    None => return site,
                },
                _ => return site,
            };
        }
        site
    }

    /// The objects with literal members that an expression adds up, the one that counts first.
    fn objects<'x>(&mut self, site: Site<'x>, found: &mut Vec<Members<'x>>) {
        let site = self.settle(site);
        let at = |expr| Site {
            expr,
            scope: site.scope.clone(),
        };
        if self.steps == 0 {
            return;
        }
        match &site.expr.kind {
            ExprKind::Object(inside) => found.extend(members(inside, &site.scope)),
            ExprKind::ObjExt(left, inside, _) => {
                found.extend(members(inside, &site.scope));
                self.objects(at(left), found);
            }
            ExprKind::Binary(left, BinaryOp::Add, right) => {
                self.objects(at(right), found);
                self.objects(at(left), found);
            }
            _ => {}
        }
    }

    fn field<'x>(&mut self, objects: &[Members<'x>], wanted: &str) -> Option<Found<'x>> {
        let mut found: Option<Found<'x>> = None;
        for Members { members, scope } in objects {
            let fields = members.iter().filter_map(|member| match member {
                Member::Field(Field::Value(name, plus, _, value)) => Some((name, *plus, value)),
                _ => None,
            });
            for (name, plus, expr) in fields {
                let (text, span) = match name {
                    FieldName::Ident(name) => (name.value.value(), name.span),
                    FieldName::String(text, span) => (text.value(), *span),
                    FieldName::Expr(..) => continue,
                };
                if text != wanted {
                    continue;
                }
                let name = self.span(span);
                let site = Site {
                    expr,
                    scope: scope.clone(),
                };
                found
                    .get_or_insert(Found {
                        name,
                        sites: Vec::new(),
                    })
                    .sites
                    .push(site);
                if !plus {
                    return found;
                }
            }
        }
        found
    }

    /// `sites` are what makes this value, the one that counts first; `fallback` is where it is said that there is
    /// one.
    fn value(&mut self, value: &Value, sites: &[Site<'_>], fallback: (usize, usize)) {
        let own = sites.first().map_or(fallback, |site| self.span(site.expr.span));
        match value {
            Value::Object(result) => {
                let mut objects = Vec::new();
                for site in sites {
                    self.objects(site.clone(), &mut objects);
                }
                self.places.push(own);
                for (name, value) in result {
                    let field = self.field(&objects, name);
                    self.places.push(field.as_ref().map_or(own, |field| field.name));
                    let sites = field.map_or_else(Vec::new, |field| field.sites);
                    self.value(value, &sites, own);
                }
            }
            Value::Array(result) => {
                self.places.push(own);
                let settled = sites.first().map(|site| self.settle(site.clone()));
                let elements = settled.as_ref().and_then(|site| match &site.expr.kind {
                    ExprKind::Array(elements) if elements.len() == result.len() => Some((*elements, &site.scope)),
                    _ => None,
                });
                for (at, value) in result.iter().enumerate() {
                    let site = elements.and_then(|(elements, scope)| {
                        let expr = elements.get(at)?;
                        Some(Site {
                            expr,
                            scope: scope.clone(),
                        })
                    });
                    self.value(value, site.as_slice(), own);
                }
            }
            _ => {
                let literal = sites.first().and_then(|site| {
                    let settled = self.settle(site.clone());
                    is_literal(settled.expr).then(|| self.span(settled.expr.span))
                });
                self.places.push(literal.unwrap_or(own));
            }
        }
    }
}

fn members<'x>(inside: &'x ObjInside<'x, 'x>, scope: &Scope<'x>) -> Option<Members<'x>> {
    let ObjInside::Members(members) = inside else {
        return None;
    };
    let locals = members.iter().filter_map(|member| match member {
        Member::Local(ObjLocal { bind }) => Some(bind),
        _ => None,
    });
    let scope = scope.with_binds(locals);
    Some(Members { members, scope })
}

fn is_literal(expr: &Expr<'_, '_>) -> bool {
    matches!(
        expr.kind,
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::String(_) | ExprKind::TextBlock(_) | ExprKind::Number(_)
    )
}
