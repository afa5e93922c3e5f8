//! The items of a preflight that are about the forest, on a real one.

use std::net::SocketAddr;
use std::sync::Arc;

use onramp::preflight::{CheckSide, ItemStatus, Preflight};
use onramp::{Onramp, Spec, SystemDns, UsersSpec};
use onramp_core::Forest as Ports;
use onramp_lab::tenant::LabTenant;
use onramp_samba::{Forest, Rights};

use crate::shared::{client, client_of, forest, run};

async fn preflight(forest: &Forest, ports: Ports) -> Preflight {
    let tenant = LabTenant::builder().build().unwrap().tenant();
    let dns = SystemDns::at(SocketAddr::new(forest.controllers()[1].ip(), 53)).unwrap();
    let spec = Spec::new("contoso.com".parse().unwrap()).with_users(UsersSpec::default());
    Onramp::new(tenant, ports).with_dns(Arc::new(dns)).preflight(&spec).await.unwrap()
}

fn status(preflight: &Preflight, id: &str) -> ItemStatus {
    preflight.item(id).unwrap_or_else(|| panic!("{id}: {preflight:#?}")).status
}

#[test]
#[ignore = "needs root and Samba AD"]
fn a_sound_forest_passes_and_a_stopped_controller_fails() {
    let forest = forest();
    let ordinary = forest.add_login("preflight-ordinary", Rights::Ordinary).unwrap();
    run(async {
        let made = preflight(&forest, client(&forest, 0).build().unwrap().forest()).await;
        let of_forest = made.items.iter().filter(|item| item.side == CheckSide::Forest);
        let failing: Vec<_> = of_forest.filter(|item| item.status == ItemStatus::Fail).collect();
        assert!(failing.is_empty(), "{failing:#?}");
        for id in [
            "forest-rights-suffix",
            "forest-rights-users",
            "domain-controllers",
            "initial-synchronization",
            "global-catalog",
            "time-skew",
            "replication-health",
            "fsmo-roles",
            "functional-level",
            "schema-version",
            "tombstone-lifetime",
            "upn-uniqueness",
        ] {
            assert_eq!(status(&made, id), ItemStatus::Pass, "{:?}", made.item(id));
        }

        // The second controller registers its records late, if at all; those of the first are there from the beginning.
        let locators = made.item("dc-locator-records").unwrap();
        assert_ne!(locators.status, ItemStatus::CannotTell, "{locators}");
        assert!(!locators.evidence.contains(forest.controllers()[0].fqdn()), "{locators}");

        let seen = preflight(&forest, client_of(&forest, 0, &ordinary).build().unwrap().forest()).await;
        for id in ["forest-rights-suffix", "forest-rights-users"] {
            assert_eq!(status(&seen, id), ItemStatus::Fail, "{:?}", seen.item(id));
        }

        // The first one holds the roles.
        forest.stop_controller(0).unwrap();
        let made = preflight(&forest, client(&forest, 1).build().unwrap().forest()).await;
        forest.start_controller(0).unwrap();
        for id in ["domain-controllers", "fsmo-roles"] {
            assert_eq!(status(&made, id), ItemStatus::Fail, "{:?}", made.item(id));
        }
        assert_eq!(status(&made, "time-skew"), ItemStatus::Pass);
    });
}
