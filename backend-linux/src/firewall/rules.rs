//! What each [`Firewall`] is in nftables' words.
//!
//! Hooks and priorities, in the order in which a packet meets them (nft(8), "Priorities"):
//!
//! | chain | hook, priority | why there |
//! | --- | --- | --- |
//! | `raw` | prerouting −300 | before destination NAT: a packet that already has a container's address here was sent to it directly from outside, while one to a published port still has the host's |
//! | `dnat` | prerouting −100 | destination NAT's own place |
//! | `output` | output −100 | the same for what the host itself sends |
//! | `forward` | forward 0 | between networks, after destination NAT |
//! | `snat` | postrouting 100 | source NAT's own place |

use super::TABLE;
use drydock_core::kernel::{Firewall, Protocol};
use ipnet::IpNet;
use nftables::expr::{Expression, Fib, FibFlag, FibResult, Meta, MetaKey, NamedExpression, Payload, PayloadField, Prefix, SetItem};
use nftables::schema::{Chain, NfCmd, NfListObject, Rule, Table};
use nftables::stmt::{Drop, Match, NAT, NATFamily, Operator, Statement};
use nftables::types::{NfChainPolicy, NfChainType, NfFamily, NfHook};
use std::net::IpAddr;

type Statements = Vec<Statement<'static>>;

/// The table and its chains. Adding what is there is no change.
pub fn chains() -> Vec<NfCmd<'static>> {
    let mut commands = vec![NfCmd::Add(NfListObject::Table(table()))];
    let base = [
        ("raw", NfChainType::Filter, NfHook::Prerouting, -300),
        ("dnat", NfChainType::NAT, NfHook::Prerouting, -100),
        ("output", NfChainType::NAT, NfHook::Output, -100),
        ("forward", NfChainType::Filter, NfHook::Forward, 0),
        ("snat", NfChainType::NAT, NfHook::Postrouting, 100),
    ];
    commands.extend(base.map(|(name, kind, hook, priority)| add_chain(name, kind, hook, priority)));
    commands
}

/// Rules that every network needs once: nothing reaches the host's loopback addresses from another link.
pub fn always() -> Vec<Rule<'static>> {
    let loopback = address("ip", "daddr", &IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8)));
    vec![rule("raw", vec![meta_is_not(MetaKey::Iifname, "lo"), loopback, DROP])]
}

/// The rules of one [`Firewall`], without comment.
pub fn of(what: &Firewall) -> Vec<Rule<'static>> {
    match what {
        Firewall::Bridge { bridge, subnet, icc, internal } => bridge_rules(bridge, subnet, *icc, *internal),
        Firewall::Publish { protocol, host_ip, host_port, to, to_port, bridge } => {
            publish_rules(*protocol, (*host_ip, *host_port), (*to, *to_port), bridge)
        }
    }
}

fn bridge_rules(bridge: &str, subnet: &IpNet, icc: bool, internal: bool) -> Vec<Rule<'static>> {
    let family = family_of(subnet.addr());
    let to_subnet = || address(family, "daddr", subnet);
    let from_subnet = || address(family, "saddr", subnet);
    let elsewhere = Statement::Match(Match {
        left: meta(MetaKey::Iifname),
        right: Expression::Named(NamedExpression::Set(vec![SetItem::Element(string("lo")), SetItem::Element(string(bridge))])),
        op: Operator::NEQ,
    });
    let mut rules = vec![rule("raw", vec![elsewhere, to_subnet(), DROP])];
    if internal {
        rules.push(rule("forward", vec![meta_is(MetaKey::Iifname, bridge), meta_is_not(MetaKey::Oifname, bridge), DROP]));
        rules.push(rule("forward", vec![meta_is_not(MetaKey::Iifname, bridge), meta_is(MetaKey::Oifname, bridge), DROP]));
    } else {
        rules.push(rule("snat", vec![from_subnet(), meta_is_not(MetaKey::Oifname, bridge), Statement::Masquerade(None)]));
    }
    if !icc {
        rules.push(rule("forward", vec![meta_is(MetaKey::Iifname, bridge), meta_is(MetaKey::Oifname, bridge), DROP]));
    }
    rules
}

/// Takes the whole table away.
pub fn without_table() -> NfCmd<'static> {
    NfCmd::Delete(NfListObject::Table(table()))
}

fn publish_rules(
    protocol: Protocol,
    (host_ip, host_port): (IpAddr, u16),
    (to, to_port): (IpAddr, u16),
    bridge: &str,
) -> Vec<Rule<'static>> {
    // A loopback address cannot be translated to a container's (its answer would come from nowhere): the port proxy serves it.
    // Nor is one family translated into the other.
    if host_ip.is_loopback() || host_ip.is_ipv4() != to.is_ipv4() {
        return Vec::new();
    }
    let family = family_of(to);
    let transport = match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    let target = Statement::DNAT(Some(NAT {
        addr: Some(string(&to.to_string())),
        family: Some(if to.is_ipv4() { NATFamily::IP } else { NATFamily::IP6 }),
        port: Some(Expression::Number(u32::from(to_port))),
        flags: None,
    }));
    let made = |chain: &'static str, mut statements: Statements| {
        statements.push(
            // Only what is meant for this host: a packet that it forwards to another's port 8080 is not ours to take.
            Statement::Match(Match {
                left: Expression::Named(NamedExpression::Fib(Fib { result: FibResult::Type, flags: [FibFlag::Daddr].into() })),
                right: string("local"),
                op: Operator::EQ,
            }),
        );
        if host_ip.is_unspecified() {
            let loopback = if to.is_ipv4() { "127.0.0.0/8" } else { "::1/128" };
            if let Ok(net) = loopback.parse() {
                statements.push(compare(payload(family, "daddr"), prefix(&net), Operator::NEQ));
            }
        } else {
            statements.push(compare(payload(family, "daddr"), string(&host_ip.to_string()), Operator::EQ));
        }
        statements.push(compare(payload(transport, "dport"), Expression::Number(u32::from(host_port)), Operator::EQ));
        statements.push(target.clone());
        rule(chain, statements)
    };
    // A container of the same network is served by the port proxy: translated, the answer would come straight over the bridge, from an
    // address that was never asked, or not at all where the container asks for a port of its own.
    vec![made("dnat", vec![meta_is_not(MetaKey::Iifname, bridge)]), made("output", Vec::new())]
}

const DROP: Statement<'static> = Statement::Drop(Some(Drop {}));

fn table() -> Table<'static> {
    Table { family: NfFamily::INet, name: TABLE.into(), handle: None }
}

fn add_chain(name: &str, kind: NfChainType, hook: NfHook, priority: i32) -> NfCmd<'static> {
    NfCmd::Add(NfListObject::Chain(Chain {
        family: NfFamily::INet,
        table: TABLE.into(),
        name: name.to_owned().into(),
        _type: Some(kind),
        hook: Some(hook),
        prio: Some(priority),
        policy: Some(NfChainPolicy::Accept),
        ..Chain::default()
    }))
}

/// A rule of a chain with nothing in it yet.
pub fn empty(chain: &str) -> Rule<'static> {
    Rule { family: NfFamily::INet, table: TABLE.into(), chain: chain.to_owned().into(), ..Rule::default() }
}

fn rule(chain: &str, statements: Statements) -> Rule<'static> {
    Rule { expr: statements.into(), ..empty(chain) }
}

fn string(text: &str) -> Expression<'static> {
    Expression::String(text.to_owned().into())
}

fn meta(key: MetaKey) -> Expression<'static> {
    Expression::Named(NamedExpression::Meta(Meta { key }))
}

fn compare(left: Expression<'static>, right: Expression<'static>, op: Operator) -> Statement<'static> {
    Statement::Match(Match { left, right, op })
}

fn meta_is(key: MetaKey, value: &str) -> Statement<'static> {
    compare(meta(key), string(value), Operator::EQ)
}

fn meta_is_not(key: MetaKey, value: &str) -> Statement<'static> {
    compare(meta(key), string(value), Operator::NEQ)
}

fn payload(protocol: &str, field: &str) -> Expression<'static> {
    let field = PayloadField { protocol: protocol.to_owned().into(), field: field.to_owned().into() };
    Expression::Named(NamedExpression::Payload(Payload::PayloadField(field)))
}

fn prefix(net: &IpNet) -> Expression<'static> {
    let prefix = Prefix { addr: Box::new(string(&net.network().to_string())), len: u32::from(net.prefix_len()) };
    Expression::Named(NamedExpression::Prefix(prefix))
}

fn address(family: &str, field: &str, net: &IpNet) -> Statement<'static> {
    compare(payload(family, field), prefix(net), Operator::EQ)
}

fn family_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}
