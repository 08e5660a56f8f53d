use durable_api::store::StoreErrorKind;
use url::Url;

use crate::error::Failure;

/// The parameters that name a server, beside the authority of the URL.
const PLACES: &[&str] = &["host", "hostaddr", "port"];

/// One URL for each server that a URL names, by libpq's syntax: `//one:5432,other:5433/`, or
/// `?host=one,other&port=5432,5433`.
pub(super) fn split(text: &str) -> Result<Vec<String>, Failure> {
    let (before, hosts, after) = authority(text);
    let urls: Vec<String> = hosts
        .split(',')
        .map(|host| format!("{before}{host}{after}"))
        .collect();
    if let [url] = &urls[..] {
        return split_parameters(url);
    }
    if hosts.split(',').any(str::is_empty) {
        return Err(invalid("the url has an empty host in its list of hosts"));
    }
    let named_twice = Url::parse(&urls[0]).is_ok_and(|url| has_place(&url));
    if named_twice {
        return Err(invalid(
            "the url names hosts before its path and in its parameters: keep one of the two",
        ));
    }
    Ok(urls)
}

/// What stands before the hosts of a URL, the hosts, and what stands after them.
fn authority(text: &str) -> (&str, &str, &str) {
    let Some(start) = text.find("://").map(|scheme| scheme + 3) else {
        return (text, "", "");
    };
    let end = text[start..]
        .find(['/', '?', '#'])
        .map_or(text.len(), |length| start + length);
    let hosts = text[start..end]
        .rfind('@')
        .map_or(start, |credentials| start + credentials + 1);
    (&text[..hosts], &text[hosts..end], &text[end..])
}

/// The same for hosts in the parameters, where alone directories of sockets can stand.
fn split_parameters(text: &str) -> Result<Vec<String>, Failure> {
    // What cannot be read is told by whoever reads it.
    let Ok(url) = Url::parse(text) else {
        return Ok(vec![text.to_owned()]);
    };
    let lists = |key: &str| -> Vec<String> {
        let found = url.query_pairs().filter(|(name, _)| name == key).last();
        found.map_or_else(Vec::new, |(_, value)| {
            value.split(',').map(str::to_owned).collect()
        })
    };
    let (hosts, addresses, ports) = (lists("host"), lists("hostaddr"), lists("port"));
    let count = hosts.len().max(addresses.len());
    if count < 2 {
        return Ok(vec![text.to_owned()]);
    }
    let fits = |list: &[String]| matches!(list.len(), 0 | 1) || list.len() == count;
    if !(fits(&hosts) && fits(&addresses) && fits(&ports)) {
        return Err(invalid(
            "the url's parameters `host`, `hostaddr` and `port` have different numbers of servers",
        ));
    }
    let rest: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| !PLACES.contains(&&**key))
        .collect();
    let one = |n: usize| {
        let mut one = url.clone();
        one.query_pairs_mut().clear().extend_pairs(&rest);
        for (key, list) in [("host", &hosts), ("hostaddr", &addresses), ("port", &ports)] {
            if let Some(value) = list.get(n).or(list.first()) {
                one.query_pairs_mut().append_pair(key, value);
            }
        }
        one.into()
    };
    Ok((0..count).map(one).collect())
}

fn has_place(url: &Url) -> bool {
    url.query_pairs().any(|(key, _)| PLACES.contains(&&*key))
}

fn invalid(message: &str) -> Failure {
    Failure::new(StoreErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_of_a_list_has_its_port() {
        assert_eq!(
            split("postgres://u:a,b@c@one:1,[::1]:2,three/d?x=1,2").expect("is read"),
            [
                "postgres://u:a,b@c@one:1/d?x=1,2",
                "postgres://u:a,b@c@[::1]:2/d?x=1,2",
                "postgres://u:a,b@c@three/d?x=1,2",
            ]
        );
    }

    #[test]
    fn one_host_stays_as_it_is() {
        for url in [
            "postgres:///d",
            "postgres://u@h/d?schema=a,b",
            "postgres:///d?host=/run/pg",
            "secret",
        ] {
            assert_eq!(split(url).expect("is read"), [url]);
        }
    }

    #[test]
    fn hosts_can_stand_in_the_parameters() {
        assert_eq!(
            split("postgres:///d?user=u&host=one,/run/pg&x=1&port=1,2").expect("is read"),
            [
                "postgres:///d?user=u&x=1&host=one&port=1",
                "postgres:///d?user=u&x=1&host=%2Frun%2Fpg&port=2",
            ]
        );
        let shared = split("postgres:///d?host=one,two&port=7").expect("is read");
        assert!(shared.iter().all(|url| url.ends_with("&port=7")));
    }

    #[test]
    fn a_list_that_says_two_things_is_refused() {
        for url in [
            "postgres://u:secret@one,,two/d",
            "postgres://u:secret@one,two/d?host=three",
            "postgres://u:secret@h/d?host=one,two,three&port=1,2",
        ] {
            let failure = split(url).expect_err(url);
            assert_eq!(failure.kind, StoreErrorKind::Invalid);
        }
    }
}
