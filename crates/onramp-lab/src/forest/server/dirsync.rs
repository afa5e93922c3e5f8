//! Incremental reads by the DirSync control ([MS-ADTS] 3.1.1.3.4.1.3): what changed since a cookie, attribute by attribute.

use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::LdapResult;
use tokio::io::AsyncWrite;

use super::answers::{Answers, Gone};
use super::searching::entry_message;
use super::session::{Session, failed, result_of};
use super::wire::{DirSync, SearchRequest};
use crate::forest::data::dn::Target;
use crate::forest::reading::changes::{Cookie, Pass};
use crate::forest::reading::entry::Selection;
use crate::forest::reading::matching::Test;
use crate::forest::reading::search::Scope;
use crate::forest::security::refusal::Refusal;

/// The caller sees what it may read anyway, and needs no right to replicate.
const OBJECT_SECURITY: i64 = 1;
/// The number of objects that are examined before the lock is released.
const EFFORT: usize = 20_000;
/// The minimum and the maximum size of one answer, in bytes.
const LEAST_BYTES: usize = 4 << 10;
const MOST_BYTES: usize = 1 << 20;

impl Session {
    /// Returns the result, whether there is more, and the cookie to go on from.
    pub(super) async fn dir_sync<S: AsyncWrite>(
        &mut self,
        id: i32,
        request: &SearchRequest,
        control: DirSync,
        answers: &mut Answers<'_, S>,
    ) -> Result<(LdapResult, Option<(bool, Vec<u8>)>), Gone> {
        let mut pass = match self.begin_dir_sync(request, &control) {
            Ok(pass) => pass,
            Err(refusal) => return Ok((failed(refusal), None)),
        };
        let most = usize::try_from(control.max_bytes).unwrap_or(0).clamp(LEAST_BYTES, MOST_BYTES);
        let mut sent = 0;
        loop {
            let (entries, done) = self.read(|view| {
                let (changed, done) = pass.advance(view, most.saturating_sub(sent), EFFORT);
                let entries: Vec<_> =
                    changed.into_iter().map(|(id, attributes)| (view.dn(id), attributes)).collect();
                (entries, done)
            });
            for (dn, attributes) in entries {
                sent += attributes.iter().flat_map(|a| &a.values).map(Vec::len).sum::<usize>() + dn.len();
                answers.push(id, entry_message(dn, attributes));
                answers.flush_if_full().await?;
            }
            if done || sent >= most {
                let cookie = self.read(|view| pass.cookie(view, done));
                return Ok((result_of(Ok(())), Some((!done, cookie.encode()))));
            }
            tokio::task::yield_now().await;
        }
    }

    fn begin_dir_sync(&self, request: &SearchRequest, control: &DirSync) -> Result<Pass, Refusal> {
        if self.principal.is_anonymous() {
            return Err(Refusal::not_bound());
        }
        if control.flags & OBJECT_SECURITY == 0 && !self.principal.is_administrator() {
            let message = "00002105: replication access was denied";
            return Err(Refusal::new(LdapResultCode::InsufficentAccessRights, message));
        }
        let cookie = match control.cookie.as_slice() {
            [] => None,
            bytes => Some(Cookie::decode(bytes).ok_or_else(|| {
                Refusal::unwilling("the cookie was not made by a domain controller of this forest")
            })?),
        };
        let filter = request.filter.as_ref().ok_or_else(|| {
            Refusal::new(LdapResultCode::ProtocolError, "00002021: the filter cannot be understood")
        })?;
        let target = Target::parse(&request.base).ok_or_else(|| Refusal::invalid_dn(&request.base))?;
        let selection = Selection::new(request.attributes.iter().map(String::as_str), false);
        self.read(|view| {
            let base = view.resolve(&target).ok_or_else(|| Refusal::no_such_object(&request.base))?;
            let context = view.state.contexts.iter().position(|context| context.head == base);
            let context = context.filter(|_| request.scope == Scope::Subtree).ok_or_else(|| {
                Refusal::unwilling("only the whole of a naming context can be followed from its head")
            })?;
            Ok(Pass::new(view, context, Test::compile(filter), selection, self.principal, cookie))
        })
    }
}
