// The simulated bootloader and our own client: what each medium has of its own, and cables that are pulled.
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

#include <fmt/format.h>

#include "device/fastboot/socket.hpp"
#include "device/fastboot/tcp_messages.hpp"
#include "device/fastboot/udp_packet.hpp"
#include "fastboot_bench.hpp"

namespace salvage::device {
namespace {

/// Over UDP a pulled cable is silence, and that takes 30 seconds of the real clock.
class FastbootPulledCable : public FastbootPhoneTest {};
INSTANTIATE_TEST_SUITE_P(Over, FastbootPulledCable, ::testing::Values(Medium::cable, Medium::tcp), name_of);

TEST_P(FastbootPulledCable, EndsTheFlashInTheMiddleWhichGoesOnAtTheNextPiece)
{
    const auto image = noise(userdata_bytes);
    const auto plan = Fastboot::plan_flash(io::make_memory(image, "image"), 300_KiB);
    ASSERT_TRUE(is_ok(plan));
    options_.faults.disconnect_at = 1000000;
    std::size_t next = 0;
    const auto done = [&](std::size_t piece) -> Result<> {
        next = piece + 1;
        return {};
    };
    {
        auto fastboot = connect();
        EXPECT_TRUE(fails_with(fastboot.flash("userdata", *plan, 0, done, RunContext{}), ErrorCode::disconnected));
    }
    EXPECT_EQ(next, 3U);
    if (GetParam() == Medium::cable) {
        phone_.join();
        EXPECT_TRUE(fails_with(ended_, ErrorCode::disconnected));
        options_.faults.disconnect_at.reset();
        start();
    }
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(fastboot.flash("userdata", *plan, next, done, RunContext{})));
    EXPECT_EQ(userdata(), image);
    expect_nothing_outside_written();
}

/// What only one medium has.
class FastbootOverCable : public FastbootPhoneTest {};
INSTANTIATE_TEST_SUITE_P(Over, FastbootOverCable, ::testing::Values(Medium::cable), name_of);

TEST_P(FastbootOverCable, IsGivenUpAfterAStallWhoseTimeTheClockJumpsOver)
{
    options_.faults.stall_at = 100;
    auto fastboot = connect();
    EXPECT_TRUE(fails_with(flash(fastboot, "userdata", noise(100000)), ErrorCode::timed_out));
}

TEST_P(FastbootOverCable, EndsWhenItsHostBreaksTheProtocol)
{
    auto to_phone = (start(), link());
    ASSERT_TRUE(is_ok(to_phone->send(as_bytes("download:00000001"), Timeout{1000})));
    EXPECT_EQ(to_phone->receive(Timeout{1000}).value(), "DATA00000001");
    ASSERT_TRUE(is_ok(to_phone->send(as_bytes("too much"), Timeout{1000})));
    phone_.join();
    EXPECT_TRUE(fails_with(ended_, ErrorCode::malformed));
}

TEST_P(FastbootOverCable, CapsTheSizeOfALargeUserdata)
{
    options_.partitions = {{.name = "userdata", .range = range(0, 3ULL << 30U)},
                           {.name = "system", .range = range(0, 3ULL << 30U)}};
    auto fastboot = connect();
    EXPECT_EQ(fastboot.variable("partition-size:userdata").value(), "32000000");
    EXPECT_EQ(fastboot.variable("partition-size:system").value(), "c0000000");
}

TEST_P(FastbootOverCable, SaysTheWholeSizeWhereItHasNoSuchHabit)
{
    options_.partitions = {{.name = "userdata", .range = range(0, 3ULL << 30U)}};
    options_.has_capped_partition_size = false;
    auto fastboot = connect();
    EXPECT_EQ(fastboot.variable("partition-size:userdata").value(), "c0000000");
}

/// Media that outlive a host.
class FastbootOverSocket : public FastbootPhoneTest {
protected:
    /// One question and its answer, with little patience.
    static Result<std::string> ask(FastbootLink& link, std::string_view command, Timeout patience)
    {
        SALVAGE_TRY(link.send(as_bytes(command), patience));
        return link.receive(patience);
    }
};
INSTANTIATE_TEST_SUITE_P(Over, FastbootOverSocket, ::testing::Values(Medium::tcp, Medium::udp), name_of);

TEST_P(FastbootOverSocket, HangsAndIsWellAgainForTheNextHost)
{
    options_.faults.stall_at = 30;
    start();
    {
        const auto first = link();
        EXPECT_EQ(ask(*first, "getvar:version", Timeout{5000}).value(), "OKAY0.5");
        EXPECT_TRUE(fails_with(ask(*first, "getvar:version", Timeout{100}), ErrorCode::timed_out));
    }
    const auto second = link();
    EXPECT_EQ(ask(*second, "getvar:version", Timeout{5000}).value(), "OKAY0.5");
}

TEST_P(FastbootOverSocket, LosesItsCableAndIsThereForTheNextHost)
{
    options_.faults.disconnect_at = 10;
    start();
    {
        const auto first = link();
        const auto answer = ask(*first, "getvar:version", Timeout{100});
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().code, GetParam() == Medium::tcp ? ErrorCode::disconnected : ErrorCode::timed_out);
    }
    const auto second = link();
    EXPECT_EQ(ask(*second, "getvar:version", Timeout{5000}).value(), "OKAY0.5");
}

TEST_P(FastbootOverSocket, ServesTheNextHostAfterOneThatLeftInTheMiddleOfADownload)
{
    start();
    {
        const auto first = link();
        EXPECT_EQ(ask(*first, "download:00100000", Timeout{5000}).value(), "DATA00100000");
        ASSERT_TRUE(is_ok(first->send(noise(5000), Timeout{5000})));
    }
    auto fastboot = connect();
    const auto image = noise(4096);
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image)));
    EXPECT_EQ(content(range(userdata_at, 4096)), image);
}

TEST_P(FastbootOverSocket, KeepsWhatAnEarlierHostUnlocked)
{
    options_.faults.is_bootloader_locked = true;
    options_.does_owner_press_yes = true;
    start();
    {
        auto first = connect();
        ASSERT_TRUE(is_ok(first.command("flashing unlock", Fastboot::Patience::usual, RunContext{})));
        ASSERT_TRUE(is_ok(first.reboot("bootloader")));
    }
    auto second = connect();
    EXPECT_EQ(second.variable("unlocked").value(), "yes");
}

/// A host that says packets of its own making.
class RawUdpHost {
public:
    explicit RawUdpHost(std::uint16_t port)
        : socket_{connect_socket("127.0.0.1", port, SocketKind::datagram, Timeout{5000}).unwrap()}
    {
    }
    void say(const UdpPacket& packet) const
    {
        const auto bytes = encode(packet);
        ASSERT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }
    [[nodiscard]] Bytes hear(Timeout patience = Timeout{5000}) const
    {
        Bytes out(4096);
        const auto there = wait_for_socket(socket_, Readiness::to_read, patience);
        const auto got = there.has_value() ? ::recv(socket_.get(), out.data(), out.size(), 0) : 0;
        out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return out;
    }
    /// Query and init; the number of the next packet.
    [[nodiscard]] std::uint16_t open() const
    {
        say({.id = UdpId::query, .sequence = 0, .data = {}});
        const auto number = load_be<std::uint16_t>(ByteView{hear()}.subspan(udp_header_bytes));
        const auto init = encode(UdpInit{.version = udp_version, .packet_bytes = 1024});
        say({.id = UdpId::init, .sequence = number, .data = init});
        EXPECT_EQ(parse_udp_packet(hear())->id, UdpId::init);
        return static_cast<std::uint16_t>(number + 1);
    }

private:
    SocketHandle socket_;
};

class FastbootOverUdp : public FastbootPhoneTest {};
INSTANTIATE_TEST_SUITE_P(Over, FastbootOverUdp, ::testing::Values(Medium::udp), name_of);

TEST_P(FastbootOverUdp, AnswersADoubleAsBeforeAndDoesNotObeyItTwice)
{
    start();
    const RawUdpHost host{port_};
    auto number = host.open();
    host.say({.id = UdpId::fastboot, .sequence = number, .data = as_bytes("erase:boot")});
    const auto first = host.hear();
    host.say({.id = UdpId::fastboot, .sequence = number, .data = as_bytes("erase:boot")});
    EXPECT_EQ(host.hear(), first);
    ++number;
    host.say({.id = UdpId::fastboot, .sequence = number, .data = {}});
    const auto okay = host.hear();
    EXPECT_EQ(as_text(parse_udp_packet(okay)->data), "OKAY");
    host.say({.id = UdpId::fastboot, .sequence = number, .data = {}});
    EXPECT_EQ(host.hear(), okay);
    std::uint64_t written = 0;
    for (const auto& [region, where] : flash_->writes()) {
        written += where.size().value;
    }
    EXPECT_EQ(written, boot_bytes) << "erased once";
}

TEST_P(FastbootOverUdp, DoesNotListenToStrangers)
{
    auto fastboot = connect();
    EXPECT_EQ(fastboot.variable("version").value(), "0.5");
    const RawUdpHost stranger{port_};
    for (unsigned number = 0; number < 64; ++number) {
        stranger.say({.id = UdpId::fastboot,
                      .sequence = static_cast<std::uint16_t>(number),
                      .data = as_bytes("erase:userdata")});
    }
    EXPECT_EQ(fastboot.variable("product").value(), "salvage_phone");
    EXPECT_TRUE(stranger.hear(Timeout{0}).empty());
    EXPECT_TRUE(flash_->writes().empty());
}

class FastbootOverTcp : public FastbootPhoneTest {};
INSTANTIATE_TEST_SUITE_P(Over, FastbootOverTcp, ::testing::Values(Medium::tcp), name_of);

TEST_P(FastbootOverTcp, ServesTheNextHostAfterOneThatSpeaksNonsense)
{
    start();
    const std::vector<std::string> nonsense{"GET / HTTP/1.0\r\n\r\n", "FB00", "FBxx",
                                            std::string{"FB01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12}, "FB"};
    for (const auto& words : nonsense) {
        const auto socket = connect_socket("127.0.0.1", port_, SocketKind::stream, Timeout{5000});
        ASSERT_TRUE(is_ok(socket));
        ASSERT_TRUE(is_ok(send_stream(*socket, as_bytes(words), Timeout{5000})));
    }
    auto fastboot = connect();
    EXPECT_EQ(fastboot.variable("version").value(), "0.5");
}

TEST_P(FastbootOverTcp, TakesDataInMessagesOfAnySize)
{
    start();
    auto socket = connect_socket("127.0.0.1", port_, SocketKind::stream, Timeout{5000});
    ASSERT_TRUE(is_ok(socket));
    TcpMessages host{std::move(*socket)};
    ASSERT_TRUE(is_ok(host.greet(Timeout{5000})));
    const auto image = noise(1000);
    const auto say = [&](std::string_view words) -> std::string {
        EXPECT_TRUE(is_ok(host.send(as_bytes(words), Timeout{5000})));
        return std::string{as_text(host.receive(256, Timeout{5000}).value())};
    };
    EXPECT_EQ(say("download:000003e8"), "DATA000003e8");
    for (std::size_t at = 0, size = 1; at < image.size(); at += size, size = std::min(size * 3, image.size() - at)) {
        ASSERT_TRUE(is_ok(host.send(ByteView{image}.subspan(at, size), Timeout{5000})));
    }
    EXPECT_EQ(std::string{as_text(host.receive(256, Timeout{5000}).value())}, "OKAY");
    EXPECT_EQ(say("flash:userdata"), "OKAY");
    EXPECT_EQ(content(range(userdata_at, 1000)), image);
}

TEST(FastbootTcp, SaysWhenNobodyListens)
{
    std::uint16_t free_port = 0;
    {
        const auto server = FastbootServer::listen_tcp("127.0.0.1", 0);
        ASSERT_TRUE(is_ok(server));
        free_port = server->port();
    }
    EXPECT_TRUE(fails_with(connect_fastboot_tcp("127.0.0.1", free_port), ErrorCode::io));
    EXPECT_TRUE(fails_with(connect_fastboot_udp("127.0.0.1", free_port), ErrorCode::disconnected));
    EXPECT_TRUE(fails_with(FastbootServer::listen_tcp("not an address", 0), ErrorCode::invalid_argument));
}

/// A host's peer that says fixed bytes and hangs up.
class FixedPeer {
public:
    explicit FixedPeer(Bytes bytes) : listener_{bind_socket("127.0.0.1", 0, SocketKind::stream).unwrap()}
    {
        thread_ = std::jthread{[this, bytes = std::move(bytes)] {
            ASSERT_TRUE(is_ok(wait_for_socket(listener_, Readiness::to_read, Timeout{5000})));
            const SocketHandle connection{::accept(listener_.get(), nullptr, nullptr)};
            ignore(send_stream(connection, bytes, Timeout{5000}), "the host may be gone");
            std::array<std::byte, 256> heard{};
            for (Result<std::size_t> got{1U}; got.has_value();) {
                got = receive_stream(connection, heard, Timeout{5000});
            }
        }};
    }
    [[nodiscard]] std::uint16_t port() const { return port_of(listener_); }

private:
    SocketHandle listener_;
    std::jthread thread_;
};

TEST(FastbootTcp, RefusesAnEndThatIsNoFastboot)
{
    for (const std::string_view greeting : {"SSH-2.0-OpenSSH", "FB00", "FBxy"}) {
        const FixedPeer peer{Bytes{as_bytes(greeting).begin(), as_bytes(greeting).end()}};
        EXPECT_TRUE(fails_with(connect_fastboot_tcp("127.0.0.1", peer.port()), ErrorCode::malformed)) << greeting;
    }
}

TEST(FastbootTcp, IsNotOverfilledByALongAnswer)
{
    Bytes bytes;
    const auto append = [&](ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
    append(as_bytes("FB01"));
    std::array<std::byte, 8> length{};
    store_be<std::uint64_t>(length, ~std::uint64_t{0});
    append(length);
    const FixedPeer peer{bytes};
    auto link = connect_fastboot_tcp("127.0.0.1", peer.port());
    ASSERT_TRUE(is_ok(link));
    EXPECT_TRUE(fails_with((*link)->receive(Timeout{5000}), ErrorCode::malformed));
    link->reset();
}

TEST(FastbootTcp, KeepsAPartOfAnAnswerOverATimeOut)
{
    auto listener = bind_socket("127.0.0.1", 0, SocketKind::stream);
    ASSERT_TRUE(is_ok(listener));
    const SocketHandle host{
        connect_socket("127.0.0.1", port_of(*listener), SocketKind::stream, Timeout{5000}).unwrap()};
    TcpMessages phone{SocketHandle{::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK)}};
    Bytes message(8);
    store_be<std::uint64_t>(message, 4);
    message.insert(message.end(), as_bytes("OKAY").begin(), as_bytes("OKAY").end());
    for (std::size_t i = 0; i < message.size(); ++i) {
        EXPECT_TRUE(fails_with(phone.receive(256, Timeout{0}), ErrorCode::timed_out)) << i;
        ASSERT_TRUE(is_ok(send_stream(host, ByteView{message}.subspan(i, 1), Timeout{5000})));
        ASSERT_TRUE(is_ok(wait_for_socket(phone.socket(), Readiness::to_read, Timeout{5000})));
    }
    EXPECT_EQ(as_text(phone.receive(256, Timeout{5000}).value()), "OKAY");
}

} // namespace
} // namespace salvage::device
