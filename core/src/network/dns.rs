//! DNS messages about containers (RFC 1035): a question becomes an answer, or is somebody else's to answer.

use simple_dns::rdata::{A, AAAA, PTR, RData};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address at which a container on a network of one's own asks for names (Docker's).
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
/// How long an answer may be kept, in seconds (libnetwork's).
const TTL: u32 = 600;
/// The longest message over UDP without an agreement on more (RFC 1035, 4.2.1).
const SHORT: usize = 512;

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The addresses of a name: of IPv6 if `v6`.
    Address {
        /// The name.
        name: String,
        /// AAAA and not A.
        v6: bool,
    },
    /// The name of an address.
    Reverse(IpAddr),
    /// Anything else.
    Other,
}

/// What is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// These addresses, which may be of another family than the one asked for.
    Addresses(Vec<IpAddr>),
    /// This name.
    Name(String),
    /// Nothing.
    Nothing,
}

/// What happens with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This goes back.
    Reply(Vec<u8>),
    /// It is passed on as it is.
    Forward,
    /// It is no question.
    Drop,
}

fn text(name: &Name<'_>) -> String {
    name.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

/// `4.3.2.1.in-addr.arpa`, and the same for IPv6 a hexadecimal digit each.
fn reversed(name: &str) -> Option<IpAddr> {
    let lower = name.to_ascii_lowercase();
    if let Some(rest) = lower.strip_suffix(".in-addr.arpa") {
        let parts: Vec<&str> = rest.split('.').rev().collect();
        return parts.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    let rest = lower.strip_suffix(".ip6.arpa")?;
    let digits: Vec<&str> = rest.split('.').rev().collect();
    if digits.len() != 32 || digits.iter().any(|d| d.len() != 1) {
        return None;
    }
    u128::from_str_radix(&digits.concat(), 16).ok().map(|n| IpAddr::V6(Ipv6Addr::from(n)))
}

/// Spreads turns, which mostly go up by the number of questions that a resolver asks for one name: two hosts would never take turns.
fn scattered(turn: u64) -> u64 {
    turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

/// Answers a message with what `know` says. `turn` changes from answer to answer: it says which of several addresses comes first.
/// `longest` is the most bytes that fit where it goes; an answer that does not fit is cut and says so.
pub fn answer(message: &[u8], turn: u64, stream: bool, know: &mut dyn FnMut(&Question) -> Known) -> Answer {
    let Ok(asked) = Packet::parse(message) else { return Answer::Drop };
    if asked.has_flags(PacketFlag::RESPONSE) {
        return Answer::Drop;
    }
    let ([question], OPCODE::StandardQuery) = (asked.questions.as_slice(), asked.opcode()) else { return Answer::Forward };
    let name = text(&question.qname);
    let what = match question.qtype {
        QTYPE::TYPE(TYPE::A) => Question::Address { name, v6: false },
        QTYPE::TYPE(TYPE::AAAA) => Question::Address { name, v6: true },
        QTYPE::TYPE(TYPE::PTR) => reversed(&name).map_or(Question::Other, Question::Reverse),
        _ => Question::Other,
    };
    let records: Vec<RData<'_>> = match (&what, know(&what)) {
        (Question::Address { v6, .. }, Known::Addresses(all)) => {
            // One that has addresses, and none of the family asked for, is there: the answer is empty and not passed on.
            let mut fitting: Vec<IpAddr> = all.into_iter().filter(|a| a.is_ipv6() == *v6).collect();
            if !fitting.is_empty() {
                let first = usize::try_from(scattered(turn) % fitting.len() as u64).unwrap_or(0);
                fitting.rotate_left(first);
            }
            fitting
                .into_iter()
                .map(|ip| match ip {
                    IpAddr::V4(ip) => RData::A(A { address: ip.into() }),
                    IpAddr::V6(ip) => RData::AAAA(AAAA { address: ip.into() }),
                })
                .collect()
        }
        (Question::Reverse(_), Known::Name(name)) => match Name::new(&name) {
            Ok(name) => vec![RData::PTR(PTR(name.into_owned()))],
            Err(_) => return Answer::Forward,
        },
        _ => return Answer::Forward,
    };
    let extended = asked.opt().map_or(SHORT, |opt| usize::from(opt.udp_packet_size).max(SHORT));
    let longest = if stream { usize::from(u16::MAX) } else { extended };
    let wants_recursion = asked.has_flags(PacketFlag::RECURSION_DESIRED);
    let mut reply = Packet::new_reply(asked.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if wants_recursion {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    reply.questions.push(question.clone());
    reply.answers.extend(records.into_iter().map(|data| ResourceRecord::new(question.qname.clone(), CLASS::IN, TTL, data)));
    loop {
        match reply.build_bytes_vec_compressed() {
            Ok(bytes) if bytes.len() <= longest => return Answer::Reply(bytes),
            Ok(_) if !reply.answers.is_empty() => {
                reply.answers.pop();
                reply.set_flags(PacketFlag::TRUNCATION);
            }
            _ => return Answer::Drop,
        }
    }
}

/// The answer that says that nobody could be asked.
pub fn failure(message: &[u8]) -> Option<Vec<u8>> {
    let asked = Packet::parse(message).ok().filter(|p| !p.has_flags(PacketFlag::RESPONSE))?;
    let mut reply = Packet::new_reply(asked.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    *reply.rcode_mut() = RCODE::ServerFailure;
    reply.questions.clone_from(&asked.questions);
    reply.build_bytes_vec().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use simple_dns::{QCLASS, Question as Asked};

    fn ask(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(7);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Asked::new(Name::new_unchecked(name), QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
        packet.build_bytes_vec().unwrap()
    }

    fn two(_: &Question) -> Known {
        Known::Addresses(vec!["10.0.0.2".parse().unwrap(), "10.0.0.3".parse().unwrap()])
    }

    fn addresses(answer: &Answer) -> Vec<String> {
        let Answer::Reply(bytes) = answer else { panic!("{answer:?}") };
        let packet = Packet::parse(bytes).unwrap();
        assert_eq!((packet.id(), packet.rcode()), (7, RCODE::NoError));
        let shown = |r: &ResourceRecord<'_>| match &r.rdata {
            RData::A(a) => Ipv4Addr::from(a.address).to_string(),
            RData::PTR(name) => text(&name.0),
            other => format!("{other:?}"),
        };
        packet.answers.iter().map(shown).collect()
    }

    #[test]
    fn several_addresses_take_turns() {
        let question = ask("db", TYPE::A);
        for step in [1, 2, 3] {
            let mut first: Vec<String> = (0..16).map(|n| addresses(&answer(&question, n * step, false, &mut two)).remove(0)).collect();
            first.sort();
            first.dedup();
            assert_eq!(first, ["10.0.0.2", "10.0.0.3"], "every {step} questions");
        }
    }

    #[test]
    fn a_name_without_an_address_of_the_family_is_answered_and_not_passed_on() {
        assert!(addresses(&answer(&ask("db", TYPE::AAAA), 0, false, &mut two)).is_empty());
        assert_eq!(answer(&ask("example.org", TYPE::A), 0, false, &mut |_| Known::Nothing), Answer::Forward);
        assert_eq!(answer(&ask("db", TYPE::MX), 0, false, &mut two), Answer::Forward);
    }

    #[test]
    fn addresses_lead_back_to_names() {
        let mut know = |q: &Question| {
            assert_eq!(*q, Question::Reverse("10.0.0.2".parse().unwrap()));
            Known::Name("one.n".to_owned())
        };
        assert_eq!(addresses(&answer(&ask("2.0.0.10.in-addr.arpa", TYPE::PTR), 0, false, &mut know)), ["one.n"]);
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.0.0.0.0.0.d.f.ip6.arpa";
        assert_eq!(reversed(v6), Some("fd00:7::1".parse().unwrap()));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_cut_and_says_so() {
        let mut many = |_: &Question| Known::Addresses((0..200).map(|n| IpAddr::V4(Ipv4Addr::new(10, 0, 1, n))).collect());
        let Answer::Reply(short) = answer(&ask("db", TYPE::A), 0, false, &mut many) else { panic!("no answer") };
        assert!(short.len() <= SHORT && Packet::parse(&short).unwrap().has_flags(PacketFlag::TRUNCATION));
        let Answer::Reply(whole) = answer(&ask("db", TYPE::A), 0, true, &mut many) else { panic!("no answer") };
        assert_eq!(Packet::parse(&whole).unwrap().answers.len(), 200);
    }

    proptest! {
        #[test]
        fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), turn: u64) {
            let _ = (answer(&bytes, turn, false, &mut two), failure(&bytes));
        }
    }
}
