//! The address by which other machines of the local network reach this one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// An address for documentation, which no machine has: the system chooses the sender's address by it, and nothing is sent.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// The IPv4 address of the interface with the default route; `None` without a network.
pub fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((ELSEWHERE, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}

/// The addresses to open a server at that listens on this address: on this machine first, then from others.
pub fn reachable(listening: SocketAddr, lan: Option<IpAddr>) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    std::iter::once(here).chain(lan).map(|ip| SocketAddr::new(ip, listening.port())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reachable_addresses_are_of_this_machine_and_of_the_network() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let lan = Some(IpAddr::V4(Ipv4Addr::new(192, 168, 1, 5)));
        assert_eq!(reachable(address("127.0.0.1:80"), lan), [address("127.0.0.1:80")]);
        assert_eq!(reachable(address("192.168.1.5:80"), lan), [address("192.168.1.5:80")]);
        for listening in ["0.0.0.0:80", "[::]:80"] {
            assert_eq!(reachable(address(listening), lan), [address("127.0.0.1:80"), address("192.168.1.5:80")]);
            assert_eq!(reachable(address(listening), None), [address("127.0.0.1:80")]);
        }
    }
}
