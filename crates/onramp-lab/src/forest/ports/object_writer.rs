//! Changes of objects of any class, directly on the model.

use async_trait::async_trait;
use futures_util::StreamExt;
use ldap3_proto::LdapResultCode;
use onramp_core::forest::{
    AttributeValue, ChangeState, ForestObject, ObjectChange, ObjectChanged, ObjectOutcome, ObjectWriter,
};
use onramp_core::{BoxStream, DistinguishedName, Error, ErrorKind, ObjectGuid, Result};

use super::{Ports, Reply};
use crate::forest::data::dn::Target;
use crate::forest::schema::Attr;
use crate::forest::writing::change::{Change, Operation, Step};

#[async_trait]
impl ObjectWriter for Ports {
    async fn change(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        self.change_object(change)
    }

    fn change_all(&self, changes: BoxStream<'static, ObjectChange>) -> BoxStream<'static, ObjectOutcome> {
        let ports = self.clone();
        let made = changes.map(move |change| {
            let result = ports.change_object(&change);
            ObjectOutcome { change, result }
        });
        made.boxed()
    }
}

impl Ports {
    /// Makes a change by compare-and-swap.
    fn change_object(&self, change: &ObjectChange) -> Result<ObjectChanged> {
        change.check()?;
        let action = change.action();
        if change.state(&self.found(change, action)?) == ChangeState::After {
            return Ok(ObjectChanged::Unchanged);
        }
        match self.modify(&request(change)) {
            Ok(Reply::Received) => Ok(ObjectChanged::Changed),
            Ok(Reply::Lost) => Ok(ObjectChanged::FoundChanged),
            Err(refusal) => {
                let clash = matches!(
                    refusal.code,
                    LdapResultCode::NoSuchAttribute | LdapResultCode::AttributeOrValueExists
                );
                let error = self.lab.error(refusal, action, &change.dn);
                if !clash
                    || change.attributes.iter().any(|attribute| is_unknown(attribute.attribute.as_str()))
                {
                    return Err(error);
                }
                let found = self.found(change, action)?;
                Err(Error::new(ErrorKind::Stale, action)
                    .with_object(&change.dn)
                    .with_detail(format!("{}; nothing was written", change.difference(&found)))
                    .with_reply(error.reply().clone())
                    .with_hint("Survey the forest again and make a new plan."))
            }
        }
    }

    /// Returns the object of a change, with the attributes that it names.
    fn found(&self, change: &ObjectChange, action: &str) -> Result<ForestObject> {
        let missing = || Error::new(ErrorKind::NotFound, action).with_object(&change.dn);
        let target = Target::Guid(*change.guid.as_bytes());
        let at = self.lab.read(0, |view| self.lab.home_of(view, &target));
        self.reachable(at, action)?;
        self.lab.read(at, |view| {
            let id = view.resolve(&target).ok_or_else(missing)?;
            let object = view.object(id).ok_or_else(missing)?;
            let dn = DistinguishedName::parse(&view.dn(id))?;
            let mut found = ForestObject::new(ObjectGuid::from_bytes(object.guid), dn);
            for change in &change.attributes {
                let Some(attr) = Attr::named(change.attribute.as_str()) else { continue };
                let values: Vec<_> = view.values(id, attr).into_iter().map(AttributeValue::bytes).collect();
                if !values.is_empty() {
                    found.attributes.insert(change.attribute.clone(), values);
                }
            }
            Ok(found)
        })
    }
}

fn is_unknown(attribute: &str) -> bool {
    Attr::named(attribute).is_none()
}

fn request(change: &ObjectChange) -> Change {
    let mut steps = Vec::new();
    for attribute in &change.attributes {
        for (operation, values) in [(Operation::Delete, &attribute.remove), (Operation::Add, &attribute.add)]
        {
            if !values.is_empty() {
                let attr = attribute.attribute.as_str().to_owned();
                let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
                steps.push(Step { operation, attr, values });
            }
        }
    }
    Change { target: format!("<GUID={}>", change.guid), steps, permissive: false }
}
