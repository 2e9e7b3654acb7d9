// A two-way pipe of bytes between a host and a phone: USB, a serial port, a socket, or two ends in one process.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::device {

using Timeout = std::chrono::milliseconds;

/// A two-way pipe of bytes.  The phone's end and the host's end have the same shape.  One thread uses it at a time.
class Transport {
public:
    Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    virtual ~Transport() = default;

    /// Hands all of `bytes` over, as one transfer where the medium knows transfers; empty: a zero-length packet there,
    /// nothing elsewhere.  Errors: timed_out, disconnected, io.
    virtual Result<> write(ByteView bytes, Timeout timeout) = 0;

    /// Waits for at least one byte and takes what is there, into.size() at most.  A zero-length packet is passed over.
    /// Where the medium knows transfers, the read ends with a short packet or when `into` is full, as USB has it; one
    /// that asks for more than comes gets what came when `timeout` is over.  So ask for what is due, in whole packets.
    /// Requires: into.size() is a multiple of packet_bytes(), or at least as large as any transfer to come.
    /// Errors: timed_out, disconnected, io, malformed (a packet does not fit into the rest of `into`).
    virtual Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) = 0;

    /// Bytes of the medium's packet (USB: wMaxPacketSize); 1 where it has none.
    [[nodiscard]] virtual std::size_t packet_bytes() const noexcept = 0;

    /// For messages: "/dev/ttyACM0", "usb 0e8d:2000 at 1-2".
    [[nodiscard]] virtual std::string name() const = 0;
};

/// Reads exact counts from a transport, keeping what came too much.
class TransportReader {
public:
    /// `transport` outlives the reader.
    explicit TransportReader(Transport& transport);
    /// At least one byte and what is there of `into`; never asks the transport for more than `into` in whole packets.
    /// Errors: as Transport::read_some.
    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout);
    /// Fills `into`; each wait for more lasts `timeout` at most.  Errors: as read_some.
    Result<> read(std::span<std::byte> into, Timeout timeout);
    /// What is there already, or comes within `timeout`; at least one byte.  Errors: as read_some.
    Result<Bytes> read_available(Timeout timeout);
    /// Drops what is buffered and what comes until it has been silent for `quiet`, 1 MiB at most.
    /// Errors: disconnected, io.
    Result<> drain(Timeout quiet);

private:
    Result<std::size_t> refill(std::size_t wanted, Timeout timeout);

    Transport* transport_;
    Bytes buffer_;
    std::size_t begin_{0};
    std::size_t end_{0};
};

/// Waits that tests own: a phone's pauses, a slow link.  Thread safe.
class Waiter {
public:
    virtual ~Waiter() = default;
    virtual void wait(std::chrono::nanoseconds time) = 0;
};
[[nodiscard]] Waiter& real_waiter() noexcept;

/// Two ends in one process, each used by a thread of its own, and their time.  Time passes only when nobody can go on:
/// a read with both ends waiting and nothing under way times out at once, and the clock jumps to the moment it would
/// have.  So hours of time-outs take milliseconds, and the outcome does not depend on the machine.  The other side of
/// it: a read that nothing comes for waits until the other end reads, waits, or is destroyed.
struct Pipe {
    std::unique_ptr<Transport> host;
    std::unique_ptr<Transport> phone; ///< destroyed: the host's end is disconnected; and the other way round
    std::shared_ptr<Clock> clock;
    std::shared_ptr<Waiter> waiter; ///< for the phone's end
    std::function<void()> pull;     ///< pulls the cable, from any thread: both ends are disconnected
};
/// `packet_bytes` 1: a stream as a tty is, without transfers.  Holds 4 MiB a direction; then the writer waits.
[[nodiscard]] Pipe make_pipe(std::size_t packet_bytes);

/// A terminal device as it is: raw, 8N1.  Errors: not_found, io (permissions: says what to do), already_exists (held by
/// another program).
[[nodiscard]] Result<std::unique_ptr<Transport>> open_serial(const std::string& path);

/// A pseudo terminal: the phone's end, and the path of the host's.
struct PseudoTerminal {
    std::unique_ptr<Transport> phone;
    std::string path; ///< "/dev/pts/4"
};
[[nodiscard]] Result<PseudoTerminal> open_pseudo_terminal();

} // namespace salvage::device
