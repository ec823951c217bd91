use super::*;
use crate::{
    access::{Caller, Proof, Records as _, Scopes, Sharee},
    store::{
        NewClient,
        audit::{Entry, Event, Keep},
        fixture::Fixture,
    },
};

const NOBODY: Option<&str> = None;

fn proof(grant: uuid::Uuid, who: &Principal) -> Caller {
    let proof = Proof::Token { grant, client: "board".into() };
    Caller { principal: who.clone(), proof, scopes: Scopes::ALL }
}

#[test]
fn who_is_renamed_keeps_what_they_have_and_nothing_counts_under_the_old_name() {
    let fixture = Fixture::new();
    let Fixture { store, ada, grace, .. } = &fixture;
    let thing = fixture.thing(ada, "Bridge", 1);
    let grant = fixture.grant(ada, "board", u64::MAX >> 1);
    assert!(store.holds(&proof(grant, ada)).unwrap(), "and is remembered");
    let mut changes = store.watch().unwrap();
    store.rename_principal(Kind::User, "ada", "augusta").unwrap();
    assert_eq!(changes.try_recv().unwrap(), Change::Renamed(vec![ada.clone()]));

    let augusta = Principal { name: "augusta".into(), ..ada.clone() };
    assert_eq!(store.role(&augusta, thing).unwrap(), Some(Role::Owner));
    assert!(store.standing(&augusta).unwrap().approved && !store.standing(ada).unwrap().active);
    assert!(store.holds(&proof(grant, &augusta)).unwrap());
    assert!(!store.holds(&proof(grant, ada)).unwrap());

    // Somebody else takes the name, and is nobody's heir.
    let new = store.add_user("ada", "acme", "x").unwrap();
    assert_eq!(&new, ada);
    assert_eq!(store.role(ada, thing).unwrap(), None);
    assert!(!store.holds(&proof(grant, ada)).unwrap() && store.holds(&proof(grant, &augusta)).unwrap());
    assert!(store.named_since(ada).unwrap() > 0 && store.named_since(grace).unwrap() == 0);
}

#[test]
fn a_name_is_changed_only_to_one_that_is_free_and_can_be_one() {
    let Fixture { store, dir: _dir, .. } = &Fixture::new();
    let exists = |result| assert!(matches!(result, Err(StoreError::Exists(_))), "{result:?}");
    exists(store.rename_principal(Kind::User, "ada", "mallory"));
    exists(store.rename_principal(Kind::User, "ada", "ada"));
    exists(store.rename_group("designers", "spies"));
    exists(store.rename_group("designers", "designers"));
    exists(store.rename_organisation("acme", "rivals"));
    exists(store.rename_organisation("acme", "acme"));
    let absent = |result| assert!(matches!(result, Err(StoreError::Absent(_))), "{result:?}");
    absent(store.rename_principal(Kind::Client, "ada", "augusta"));
    absent(store.rename_group("nobody", "makers"));
    absent(store.rename_organisation("nobody", "makers"));
    assert!(matches!(store.rename_group("designers", "De Signers"), Err(StoreError::BadName(_))));
    assert_eq!(store.named_since(&store.login("ada").unwrap().unwrap().principal).unwrap(), 0);
}

#[test]
fn a_group_and_an_organisation_keep_what_they_have_under_another_name() {
    let fixture = Fixture::new();
    let Fixture { store, ada, grace, linus, .. } = &fixture;
    let thing = fixture.thing(linus, "Bridge", 1);
    store.share(thing, &Sharee::Group("designers".into()), Role::Editor, linus).unwrap();
    let mut changes = store.watch().unwrap();
    store.rename_group("designers", "makers").unwrap();
    assert_eq!(changes.try_recv().unwrap(), Change::Groups(vec!["designers".into(), "makers".into()]));
    assert_eq!(store.groups_of(grace).unwrap(), ["makers"]);
    assert!(store.standing(grace).unwrap().approved);

    store.rename_organisation("acme", "guild").unwrap();
    let Change::Renamed(were) = changes.try_recv().unwrap() else { panic!("they have another name") };
    assert_eq!(were, [ada.clone(), grace.clone(), linus.clone()]);
    let grace = Principal { organisation: "guild".into(), ..grace.clone() };
    assert_eq!(store.role(&grace, thing).unwrap(), Some(Role::Editor));
}

#[test]
fn no_thing_is_left_without_an_owner() {
    let fixture = Fixture::new();
    let Fixture { store, ada, grace, linus, mallory, .. } = &fixture;
    let bridge = fixture.thing(ada, "Bridge", 1);
    let tower = fixture.thing(ada, "Tower", 2);
    store.share(bridge, &Sharee::Principal(grace.clone()), Role::Owner, ada).unwrap();
    let refused = store.remove_principal(Kind::User, "ada", NOBODY).unwrap_err().to_string();
    assert!(refused.starts_with("ada alone owns 1 Thing: \"Tower\"; say with -to"), "{refused}");
    for heir in ["ada", "nobody", &mallory.name] {
        assert!(matches!(store.remove_principal(Kind::User, "ada", Some(heir)), Err(StoreError::Absent(_))), "{heir}");
    }
    // Whoever is shut out is no owner that could do anything.
    store.set_disabled("grace", true).unwrap();
    assert!(store.remove_principal(Kind::User, "ada", NOBODY).unwrap_err().to_string().contains("2 Things"));
    assert!(store.remove_principal(Kind::User, "ada", Some("grace")).is_err());
    store.set_disabled("grace", false).unwrap();

    let mut changes = store.watch().unwrap();
    assert_eq!(store.remove_principal(Kind::User, "ada", Some("linus")).unwrap(), 1);
    assert_eq!(changes.try_recv().unwrap(), Change::Of(vec![ada.clone()]));
    assert_eq!(changes.try_recv().unwrap(), Change::Of(vec![linus.clone()]));
    assert_eq!(store.role(linus, tower).unwrap(), Some(Role::Owner));
    assert_eq!((store.role(linus, bridge).unwrap(), store.role(grace, bridge).unwrap()), (None, Some(Role::Owner)));
    assert!(!store.standing(ada).unwrap().active && store.login("ada").unwrap().is_none());
}

#[test]
fn what_a_group_alone_owns_keeps_its_last_member_and_the_group() {
    let fixture = Fixture::new();
    let Fixture { store, ada, grace, linus, .. } = &fixture;
    let thing = fixture.thing(linus, "Bridge", 1);
    store.share(thing, &Sharee::Group("reviewers".into()), Role::Owner, linus).unwrap();
    store.unshare(thing, &Sharee::Principal(linus.clone()), linus).unwrap();
    assert!(matches!(store.remove_principal(Kind::User, "linus", NOBODY), Err(StoreError::InUse(_))));
    assert!(store.remove_group("reviewers").unwrap_err().to_string().contains("1 member: linus"));
    store.leave_group("reviewers", linus).unwrap();
    assert!(store.remove_group("reviewers").unwrap_err().to_string().contains("alone owns 1 Thing: \"Bridge\""));
    store.join_group("reviewers", grace).unwrap();
    store.share(thing, &Sharee::Principal(ada.clone()), Role::Owner, grace).unwrap();
    store.leave_group("reviewers", grace).unwrap();
    store.remove_group("reviewers").unwrap();
    assert_eq!(store.role(ada, thing).unwrap(), Some(Role::Owner));
}

#[test]
fn an_organisation_is_removed_when_nothing_is_in_it() {
    let fixture = Fixture::new();
    let Fixture { store, mallory, .. } = &fixture;
    let thing = fixture.thing(mallory, "Bridge", 1);
    let refused = |why: &str| assert!(store.remove_organisation("rivals").unwrap_err().to_string().contains(why));
    refused("rivals still has 1 user: mallory");
    store.delete_thing(thing).unwrap();
    store.remove_principal(Kind::User, "mallory", NOBODY).unwrap();
    refused("1 group: spies");
    store.remove_group("spies").unwrap();
    store.remove_organisation("rivals").unwrap();
    assert_eq!(store.organisations().unwrap(), ["acme"]);
    assert!(matches!(store.remove_organisation("rivals"), Err(StoreError::Absent(_))));
}

#[test]
fn a_client_that_is_renamed_keeps_what_people_allowed_it_and_loses_its_tokens() {
    let fixture = Fixture::new();
    let Fixture { store, ada, .. } = &fixture;
    store.add_client(&NewClient { id: "board", organisation: "acme", ..NewClient::default() }).unwrap();
    store.remember_consent(ada, "board", "stream").unwrap();
    let grant = fixture.grant(ada, "board", u64::MAX >> 1);
    store.rename_principal(Kind::Client, "board", "planner").unwrap();
    assert!(!store.grant_is_live(grant, ada).unwrap());
    assert_eq!(store.consent(ada, "planner").unwrap().as_deref(), Some("stream"));

    store.remove_principal(Kind::Client, "planner", NOBODY).unwrap();
    store.add_client(&NewClient { id: "planner", organisation: "acme", ..NewClient::default() }).unwrap();
    assert!(store.consent(ada, "planner").unwrap().is_none(), "another application of the same name asks anew");
}

#[test]
fn another_issuers_tokens_for_whoever_had_the_name_are_not_the_next_ones() {
    let Fixture { store, ada, dir: _dir, .. } = &Fixture::new();
    let issued_at = clock::unix_seconds();
    let of_old = Caller { proof: Proof::External { issued_at, groups: None }, ..proof(clock::new_id(), ada) };
    assert!(store.holds(&of_old).unwrap());
    store.remove_principal(Kind::User, "ada", NOBODY).unwrap();
    assert!(!store.holds(&of_old).unwrap());
    store.add_user("ada", "acme", "x").unwrap();
    assert!(!store.holds(&of_old).unwrap());
    let later = Proof::External { issued_at: clock::unix_seconds() + 1, groups: None };
    assert!(store.holds(&Caller { proof: later, ..of_old }).unwrap());
}

#[test]
fn an_organisations_record_goes_by_whose_the_name_was_then() {
    let fixture = Fixture::new();
    let Fixture { store, ada, .. } = &fixture;
    let keep = Keep { days: 90, rows: 100 };
    let at = clock::unix_millis;
    store.record(&[(at(), Entry::of(ada, Event::LoggedIn, "ada"))], keep).unwrap();
    store.record(&[(at(), Entry::of_administrator(Event::GroupApproved, "reviewers"))], keep).unwrap();
    let removed = (at(), Entry::of_administrator(Event::UserRemoved, "ada"), keep);
    store.recording(removed, |store| store.remove_principal(Kind::User, "ada", NOBODY).map(drop)).unwrap();
    store.rename_group("reviewers", "critics").unwrap();
    let taken = store.named_since(ada).unwrap();
    while at() <= taken {
        std::thread::yield_now();
    }
    // The names go to others, of another organisation.
    let new = store.add_user("ada", "rivals", "x").unwrap();
    store.add_group("reviewers", "rivals").unwrap();
    store.record(&[(at() + 1, Entry::of(&new, Event::LoggedOut, "ada"))], keep).unwrap();
    let told = |of: &str| -> Vec<String> {
        store.recorded_of(of, 100).unwrap().into_iter().map(|row| format!("{} {}", row.what, row.target)).collect()
    };
    assert_eq!(told("acme"), ["logged_in ada", "group_approved reviewers", "user_removed ada"]);
    assert_eq!(told("rivals"), ["logged_out ada"]);
}
