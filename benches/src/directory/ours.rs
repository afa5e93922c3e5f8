//! Our client as a process of its own, so that it is measured as the others are.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use onramp_ad::{AdClient, BindName};
use onramp_core::forest::{ObjectChange, ObjectChanged, ObjectQuery, UpnChange};
use onramp_core::{AttributeName, DistinguishedName, Forest, LdapFilter, ObjectGuid, Password, Upn};
use onramp_readiness::{EntraRules, Profile, Scan};

use crate::Result;

/// Arguments: task, address, host, authority, name, password file, then those of the task. Prints how many changes
/// were made or entries read.
pub(crate) fn run(arguments: &[OsString]) -> Result<()> {
    let texts = arguments.iter().map(|argument| argument.to_str()).collect::<Option<Vec<_>>>();
    let texts = texts.ok_or("an argument is no text")?;
    let [task, address, host, authority, name, password_file, rest @ ..] = texts.as_slice() else {
        return Err("too few arguments".into());
    };
    let address: SocketAddr = address.parse()?;
    let builder = AdClient::builder(host)
        .trust_root_pem_file(authority)?
        .bind(BindName::parse(name)?, Password::new(std::fs::read_to_string(password_file)?))
        .address(host, address);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let count = runtime.block_on(async {
        let forest = builder.connect().await?.forest();
        match (*task, rest) {
            ("change", [file]) => change(&forest, file.as_ref()).await,
            ("read", [base, filter, attributes @ ..]) => read(&forest, base, filter, attributes).await,
            ("scan", [base, filter, attributes @ ..]) => scan(&forest, base, filter, attributes).await,
            _ => Err(format!("there is no task {task} with {} arguments", rest.len()).into()),
        }
    })?;
    println!("{count}");
    Ok(())
}

async fn change(forest: &Forest, file: &Path) -> Result<usize> {
    // Read as the changes are taken, as the others do; a line that is none ends the process.
    let mut lines = BufReader::new(File::open(file)?).lines();
    let changes = std::iter::from_fn(move || Some(parse(&lines.next()?)));
    let mut outcomes = forest.object_writer.change_all(stream::iter(changes.map_while(Result::ok)).boxed());
    let mut count = 0;
    while let Some(outcome) = outcomes.next().await {
        if outcome.result? != ObjectChanged::Changed {
            return Err(format!("{} had the UPN already", outcome.change.dn).into());
        }
        count += 1;
    }
    Ok(count)
}

fn parse(line: &std::io::Result<String>) -> Result<ObjectChange> {
    let line = line.as_ref().map_err(ToString::to_string)?;
    let fields: Vec<&str> = line.split('\t').collect();
    let [guid, dn, before, after] = fields.as_slice() else { return Err("not four fields".into()) };
    let change = UpnChange {
        guid: ObjectGuid::parse(guid)?,
        dn: DistinguishedName::parse(dn)?,
        before: Some((*before).to_owned()),
        after: Upn::parse(after)?,
    };
    Ok(change.into())
}

async fn read(forest: &Forest, base: &str, filter: &str, attributes: &[&str]) -> Result<usize> {
    let objects = forest.objects.search(query(base, filter, attributes)?);
    Ok(objects.try_fold(0, |count, _| std::future::ready(Ok(count + 1))).await?)
}

async fn scan(forest: &Forest, base: &str, filter: &str, attributes: &[&str]) -> Result<usize> {
    let mut scan = Scan::new(Arc::new(EntraRules::new(&Profile::entra())?));
    let mut objects = forest.objects.search(query(base, filter, attributes)?);
    while let Some(object) = objects.try_next().await? {
        scan.add(object.into());
    }
    let result = scan.finish();
    eprintln!("{} findings", result.findings.len());
    Ok(result.objects)
}

fn query(base: &str, filter: &str, attributes: &[&str]) -> Result<ObjectQuery> {
    let attributes = attributes.iter().map(|name| AttributeName::parse(name));
    Ok(ObjectQuery::all(attributes.collect::<std::result::Result<Vec<_>, _>>()?)
        .below(DistinguishedName::parse(base)?)
        .with_filter(LdapFilter::parse(filter)?))
}
