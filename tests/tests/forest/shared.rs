//! One forest of two controllers for all tests that do not damage it, and clients of it.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use onramp_ad::{AdClient, AdClientBuilder, BindName};
use onramp_core::Password;
use onramp_samba::{Controller, Forest, Login, Scope};

/// Returns the forest, for one test at a time. It is removed when the test program ends.
pub(crate) fn forest() -> MutexGuard<'static, Forest> {
    static FOREST: OnceLock<Mutex<Forest>> = OnceLock::new();
    let up = || Mutex::new(Forest::builder().controllers(2).up().unwrap());
    FOREST.get_or_init(up).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a client of controller `index` that signs in as the administrator over LDAPS, and knows the address of every
/// controller.
pub(crate) fn client(forest: &Forest, index: usize) -> AdClientBuilder {
    client_of(forest, index, forest.admin())
}

/// Returns a client as [`client`] does, signed in as `login`.
pub(crate) fn client_of(forest: &Forest, index: usize, login: &Login) -> AdClientBuilder {
    client_trusting(forest.ca_file(), forest, index, login)
}

/// Returns a client as [`client_of`] does, which trusts the authority in a file.
pub(crate) fn client_trusting(
    ca_file: &Path,
    forest: &Forest,
    index: usize,
    login: &Login,
) -> AdClientBuilder {
    knowing(forest.controllers(), ca_file, forest, index, login)
}

/// Returns a client as [`client`] does, which knows the address of controller `index` only.
pub(crate) fn client_alone(forest: &Forest, index: usize) -> AdClientBuilder {
    let known = &forest.controllers()[index..=index];
    knowing(known, forest.ca_file(), forest, index, forest.admin())
}

fn knowing(
    known: &[Controller],
    ca_file: &Path,
    forest: &Forest,
    index: usize,
    login: &Login,
) -> AdClientBuilder {
    let builder = AdClient::builder(forest.controllers()[index].fqdn());
    let name = BindName::parse(login.upn()).unwrap();
    let builder = builder.bind(name, Password::new(login.password().expose().to_owned()));
    let builder = builder.trust_root_pem_file(ca_file).unwrap();
    known.iter().fold(builder, |builder, controller| builder.address(controller.fqdn(), controller.ldaps()))
}

/// Returns the values of an attribute of an object on controller `index`, as the independent client reads it.
pub(crate) fn seen(forest: &Forest, index: usize, dn: &str, attribute: &str) -> Vec<String> {
    let found = forest.ldapsearch(index, dn, Scope::Base, "(objectClass=*)", &[attribute]).unwrap();
    found[0].texts(attribute).into_iter().map(str::to_owned).collect()
}

/// Returns the name of the container of the forest's suffixes.
pub(crate) fn partitions(forest: &Forest) -> String {
    format!("CN=Partitions,CN=Configuration,{}", forest.base_dn())
}

/// Runs a future to its end, on a runtime that ends with it.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
