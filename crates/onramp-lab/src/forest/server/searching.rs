//! Searches over the wire: in pages or within the size limit, a bounded number of entries in memory at a time.

use ldap3_proto::LdapResultCode;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapMsg, LdapOp, LdapPartialAttribute, LdapResult, LdapSearchResultEntry, LdapSearchResultReference,
};
use tokio::io::AsyncWrite;

use super::answers::{Answers, Gone, Next};
use super::paging::{Paging, Plan};
use super::root_dse::{self, DIR_SYNC, DOMAIN_SCOPE, PAGED_RESULTS, SEARCH_OPTIONS, SHOW_DELETED};
use super::session::{Session, check_controls, failed, result_of};
use super::wire::{Control, SearchRequest, dir_sync, flags, paged_results};
use crate::forest::data::dn::Target;
use crate::forest::data::object::NO_PARENT;
use crate::forest::data::view::{DirectoryScope, View};
use crate::forest::fault::{Fault, Operation as Faulty};
use crate::forest::reading::entry::{Attribute, Selection};
use crate::forest::reading::matching::Test;
use crate::forest::reading::search::{Query, Scope, Search};
use crate::forest::security::refusal::Refusal;

/// The maximum number of entries on a page, and without paging.
const MAX_PAGE_SIZE: usize = 1000;
/// The number of entries that are made before the lock is released.
const BATCH: usize = 64;
/// The number of objects that are examined before the lock is released.
const EFFORT: usize = 20_000;

/// Search option: no references to other naming contexts.
const OPTION_DOMAIN_SCOPE: i64 = 1;
/// Search option: every naming context is searched.
const OPTION_PHANTOM_ROOT: i64 = 2;

/// The end of a part of a search.
enum End {
    /// Everything was found.
    Done,
    /// More can be found than was asked for.
    More,
    /// The client does not want it any more.
    Abandoned,
}

impl Session {
    pub(super) async fn search<S: AsyncWrite>(
        &mut self,
        id: i32,
        request: SearchRequest,
        controls: &[Control],
        answers: &mut Answers<'_, S>,
    ) -> Next {
        let mut overruled = None;
        match self.fault(Faulty::Search, answers).await {
            Ok(()) => {}
            Err(Fault::ForgottenCookies) => self.paging = Paging::default(),
            // The results come, and the refusal after them.
            Err(fault @ (Fault::TimeLimit | Fault::SizeLimit | Fault::AdminLimit)) => {
                overruled = fault.refusal()
            }
            Err(fault) => {
                return self.break_off(id, fault, LdapOp::SearchResultDone, |result| result, answers);
            }
        }
        match self.run(id, request, controls, answers).await {
            Ok(Some((result, control))) => {
                let (result, control) = match overruled {
                    Some(refusal) => (failed(refusal), None),
                    None => (result, control),
                };
                let done = LdapOp::SearchResultDone(result);
                answers.push_message(LdapMsg::new_with_ctrls(id, done, control.into_iter().collect()));
                Next::Continue
            }
            Ok(None) => Next::Continue,
            Err(Gone) => Next::Close,
        }
    }

    /// Returns the result and the control that goes with it, such as the cookie of the next page; nothing if the search was
    /// abandoned.
    async fn run<S: AsyncWrite>(
        &mut self,
        id: i32,
        request: SearchRequest,
        controls: &[Control],
        answers: &mut Answers<'_, S>,
    ) -> Result<Option<(LdapResult, Option<LdapControl>)>, Gone> {
        let refused = |refusal| Ok(Some((failed(refusal), None)));
        if let Err(refusal) = check_controls(controls) {
            return refused(refusal);
        }
        if request.base.is_empty() && request.scope == Scope::Base {
            let now = self.lab.now();
            let entry = self.read(|view| root_dse::read(view, &request.attributes, now));
            answers.push(id, entry_message(String::new(), entry));
            return Ok(Some((result_of(Ok(())), None)));
        }
        if let Some(control) = controls.iter().find(|control| control.oid == DIR_SYNC) {
            let Some(control) = dir_sync(&control.value) else {
                return refused(Refusal::unwilling("the DirSync control cannot be understood"));
            };
            let (result, more) = self.dir_sync(id, &request, control, answers).await?;
            let control = more.map(|(more, cookie)| LdapControl::AdDirsync {
                flags: i64::from(more),
                max_bytes: 0,
                cookie: Some(cookie),
            });
            return Ok(Some((result, control)));
        }
        let page = controls.iter().find(|control| control.oid == PAGED_RESULTS);
        let page = match page.map(|page| paged_results(&page.value)) {
            Some(None) => {
                return refused(Refusal::unwilling("the paged results control cannot be understood"));
            }
            Some(Some(page)) => Some(page),
            None => None,
        };
        let resumed = page.as_ref().filter(|(_, cookie)| !cookie.is_empty());
        let plan = match resumed {
            Some((_, cookie)) => self.paging.take(cookie),
            None => self.plan(&request, controls),
        };
        let mut plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => return refused(refusal),
        };
        let Some((size, _)) = page else {
            let limit = plan.left.map_or(MAX_PAGE_SIZE, |left| left.min(MAX_PAGE_SIZE));
            return Ok(match self.send(id, &mut plan, limit, answers).await? {
                End::Done => {
                    send_references(id, &plan, answers);
                    Some((result_of(Ok(())), None))
                }
                End::More => Some((failed(size_limit()), None)),
                End::Abandoned => None,
            });
        };
        if size == 0 && resumed.is_some() {
            // The client gives the rest up.
            return Ok(Some((result_of(Ok(())), next_page(Vec::new()))));
        }
        let size = size.clamp(1, MAX_PAGE_SIZE);
        let limit = plan.left.map_or(size, |left| left.min(size));
        Ok(match self.send(id, &mut plan, limit, answers).await? {
            End::Done => {
                send_references(id, &plan, answers);
                Some((result_of(Ok(())), next_page(Vec::new())))
            }
            End::More if plan.left == Some(0) => Some((failed(size_limit()), next_page(Vec::new()))),
            End::More => Some((result_of(Ok(())), next_page(self.paging.keep(plan)))),
            End::Abandoned => None,
        })
    }

    fn plan(&self, request: &SearchRequest, controls: &[Control]) -> Result<Plan, Refusal> {
        if self.principal.is_anonymous() {
            return Err(Refusal::not_bound());
        }
        let has = |oid: &str| controls.iter().any(|control| control.oid == oid);
        let options = controls.iter().find(|control| control.oid == SEARCH_OPTIONS);
        let options = options.and_then(|control| flags(&control.value)).unwrap_or_default();
        let filter = request.filter.as_ref().ok_or_else(|| {
            Refusal::new(LdapResultCode::ProtocolError, "00002021: the filter cannot be understood")
        })?;
        let target = Target::parse(&request.base).ok_or_else(|| Refusal::invalid_dn(&request.base))?;
        let selection = Selection::new(request.attributes.iter().map(String::as_str), request.names_only);
        self.read(|view| {
            let base = if has(SHOW_DELETED) { view.resolve_deleted(&target) } else { view.resolve(&target) };
            let everywhere =
                options & OPTION_PHANTOM_ROOT != 0 || self.directory_scope == DirectoryScope::Catalog;
            if base.is_none() && (target != Target::Root || !everywhere) {
                return Err(
                    elsewhere(view, &target).unwrap_or_else(|| Refusal::no_such_object(&request.base))
                );
            }
            let query = Query {
                base,
                scope: request.scope,
                test: Test::compile(filter),
                deleted: has(SHOW_DELETED),
                principal: self.principal,
            };
            let subordinate = view.state.contexts.iter().map(|context| context.head).filter(|&head| {
                let parent = view.object(head).map_or(NO_PARENT, |object| object.parent);
                Some(head) != base
                    && parent != NO_PARENT
                    && base.is_some_and(|base| match request.scope {
                        Scope::Base => false,
                        Scope::One => parent == base,
                        Scope::Subtree => view.is_within(head, base),
                    })
            });
            // What lies in a context below a referred one is referred from there.
            let wanted = !has(DOMAIN_SCOPE)
                && options & OPTION_DOMAIN_SCOPE == 0
                && self.directory_scope != DirectoryScope::Catalog;
            let nearest = subordinate.take(usize::from(wanted));
            let domain = self.lab.domain();
            let scheme = if self.encrypted { "ldaps" } else { "ldap" };
            let references = nearest.map(|head| format!("{scheme}://{domain}/{}", view.dn(head))).collect();
            let left = (request.size_limit > 0).then_some(request.size_limit);
            Ok(Plan { search: Search::new(view, query), selection, references, left })
        })
    }

    /// Sends up to `limit` entries.
    async fn send<S: AsyncWrite>(
        &self,
        id: i32,
        plan: &mut Plan,
        limit: usize,
        answers: &mut Answers<'_, S>,
    ) -> Result<End, Gone> {
        let mut sent = 0;
        loop {
            if answers.is_abandoned(id) {
                return Ok(End::Abandoned);
            }
            if sent == limit {
                // Whether there is another page is not known before something for it is found.
                match self.read(|view| plan.search.is_exhausted(view, EFFORT)) {
                    Some(true) => return Ok(End::Done),
                    Some(false) => return Ok(End::More),
                    None => tokio::task::yield_now().await,
                }
                continue;
            }
            let (entries, done) = self.read(|view| {
                let found = plan.search.advance(view, BATCH.min(limit - sent), EFFORT);
                let entry = |id| entry_message(view.dn(id), plan.selection.of(view, id, self.principal));
                (found.ids.into_iter().map(entry).collect::<Vec<_>>(), found.done)
            });
            sent += entries.len();
            plan.left = plan.left.map(|left| left.saturating_sub(entries.len()));
            for entry in entries {
                answers.push(id, entry);
                answers.flush_if_full().await?;
            }
            if done {
                return Ok(End::Done);
            }
            tokio::task::yield_now().await;
        }
    }
}

fn send_references<S: AsyncWrite>(id: i32, plan: &Plan, answers: &mut Answers<'_, S>) {
    for uri in &plan.references {
        let reference = LdapSearchResultReference { uris: vec![uri.clone()] };
        answers.push(id, LdapOp::SearchResultReference(reference));
    }
}

fn next_page(cookie: Vec<u8>) -> Option<LdapControl> {
    Some(LdapControl::SimplePagedResults { size: 0, cookie })
}

pub(super) fn entry_message(dn: String, attributes: Vec<Attribute>) -> LdapOp {
    let attributes = attributes.into_iter();
    let attributes =
        attributes.map(|Attribute { name, values }| LdapPartialAttribute { atype: name, vals: values });
    LdapOp::SearchResultEntry(LdapSearchResultEntry { dn, attributes: attributes.collect() })
}

/// A base in a domain that this controller does not hold, if it is that.
fn elsewhere(view: View<'_>, target: &Target) -> Option<Refusal> {
    let Target::Dn(_) = target else { return None };
    let whole = View { directory_scope: DirectoryScope::Whole, ..view };
    let id = whole.resolve(target)?;
    let domain = whole.domain_of(whole.object(id)?)?;
    Some(Refusal::elsewhere(domain.dns.as_str(), &whole.dn(id)))
}

fn size_limit() -> Refusal {
    Refusal::new(LdapResultCode::SizeLimitExceeded, "00002023: the size limit was exceeded")
}
