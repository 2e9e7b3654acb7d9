// The simulated bootloader and our own client, over a cable, TCP and UDP.
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "device/fastboot/socket.hpp"
#include "device/fastboot/tcp_messages.hpp"
#include "device/fastboot/udp_packet.hpp"
#include "device/phone/fastboot_sparse.hpp"
#include "salvage/device/fastboot.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/sparse_pieces.hpp"
#include "support/assert_result.hpp"

namespace salvage::device {
namespace {

using namespace literals;
using test::fails_with;
using test::is_ok;

ByteRange range(std::uint64_t start, std::uint64_t size)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{start + size});
}

Bytes noise(std::size_t size, unsigned seed = 1)
{
    std::mt19937 random{seed};
    Bytes out(size);
    for (auto& byte : out) {
        byte = static_cast<std::byte>(random() & 0xFFU);
    }
    return out;
}

constexpr std::uint64_t flash_bytes = 4U << 20U;
constexpr std::uint64_t boot_at = 64U << 10U;
constexpr std::uint64_t boot_bytes = 256U << 10U;
constexpr std::uint64_t userdata_at = 1U << 20U;
constexpr std::uint64_t userdata_bytes = (2U << 20U) + 512; // a tail, as real phones have
const std::byte another_rom{0xA5};

enum class Medium : std::uint8_t { cable, tcp, udp };

std::string name_of(const ::testing::TestParamInfo<Medium>& info)
{
    switch (info.param) {
    case Medium::cable: return "Cable";
    case Medium::tcp: return "Tcp";
    case Medium::udp: return "Udp";
    }
    return "Unknown";
}

/// A phone that runs on a thread of its own.
class FastbootPhoneTest : public ::testing::TestWithParam<Medium> {
protected:
    FastbootPhoneTest()
    {
        options_.partitions = {{.name = "boot", .range = range(boot_at, boot_bytes)},
                               {.name = "userdata", .range = range(userdata_at, userdata_bytes)}};
        std::vector<PhoneFlash::RegionSource> regions;
        regions.push_back({.name = "user", .path = {}, .bytes = Bytes(flash_bytes, another_rom)});
        flash_ = PhoneFlash::open(std::move(regions), StorageKind::emmc).unwrap();
    }
    ~FastbootPhoneTest() override { stop_.request_stop(); }

    /// Switches the phone on.
    void start()
    {
        RunContext context;
        context.stop = stop_.get_token();
        if (GetParam() == Medium::cable) {
            auto pipe = make_pipe(512);
            host_ = std::move(pipe.host);
            phone_ = std::jthread{[this, context, cable = std::move(pipe.phone)]() mutable {
                ended_ = run_fastboot_phone(*cable, *flash_, options_, context);
                cable.reset(); // the cable is pulled
            }};
            return;
        }
        auto server = GetParam() == Medium::tcp ? FastbootServer::listen_tcp("127.0.0.1", 0)
                                                : FastbootServer::listen_udp("127.0.0.1", 0);
        ASSERT_TRUE(is_ok(server));
        port_ = server->port();
        phone_ = std::jthread{[this, context, server = std::move(*server)]() mutable {
            ended_ = server.run(*flash_, options_, context);
        }};
    }
    [[nodiscard]] std::unique_ptr<FastbootLink> link()
    {
        switch (GetParam()) {
        case Medium::cable: return make_fastboot_link(std::move(host_));
        case Medium::tcp: return connect_fastboot_tcp("127.0.0.1", port_).unwrap();
        case Medium::udp: return connect_fastboot_udp("127.0.0.1", port_).unwrap();
        }
        return nullptr;
    }
    [[nodiscard]] Fastboot connect()
    {
        if (port_ == 0 && !host_) {
            start();
        }
        return Fastboot{link(), [this](std::string_view line) { lines_.emplace_back(line); }};
    }

    [[nodiscard]] Bytes content(ByteRange where) const
    {
        Bytes out(static_cast<std::size_t>(where.size().value));
        EXPECT_TRUE(is_ok(flash_->read("user", where.start(), out)));
        return out;
    }
    [[nodiscard]] Bytes userdata() const { return content(range(userdata_at, userdata_bytes)); }
    /// Whatever is not in a partition is as it was.
    void expect_nothing_outside_written() const
    {
        for (const auto& [region, written] : flash_->writes()) {
            EXPECT_EQ(region, "user");
            EXPECT_TRUE(range(boot_at, boot_bytes).contains(written) ||
                        range(userdata_at, userdata_bytes).contains(written))
                << written.start().value << " + " << written.size().value;
        }
    }
    [[nodiscard]] Result<> flash(Fastboot& fastboot, std::string_view partition, const Bytes& image,
                                 ByteCount max_download = 1_GiB)
    {
        const auto plan = SALVAGE_TRY(Fastboot::plan_flash(io::make_memory(image, "image"), max_download));
        return fastboot.flash(partition, plan, 0, {}, RunContext{});
    }
    static void expect_refused(const Result<>& result, std::string_view words)
    {
        ASSERT_TRUE(fails_with(result, ErrorCode::refused));
        EXPECT_NE(result.error().why.find(words), std::string::npos) << result.error().why;
    }

    FastbootPhoneOptions options_;
    std::shared_ptr<PhoneFlash> flash_;
    std::unique_ptr<Transport> host_;
    std::uint16_t port_{0};
    std::vector<std::string> lines_;
    Result<> ended_;
    std::stop_source stop_;
    std::jthread phone_; ///< last: it is gone before what it uses
};

TEST_P(FastbootPhoneTest, TakesAnImageRaw)
{
    auto fastboot = connect();
    const auto image = noise(userdata_bytes);
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image)));
    EXPECT_EQ(userdata(), image);
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, TakesAnImageInSparsePiecesWithoutLeavingTheOtherRomsBytes)
{
    options_.max_download = 100_KiB;
    auto fastboot = connect();
    auto image = noise(userdata_bytes);
    std::fill_n(image.begin() + 8192, 300000, std::byte{0}); // zeros must be written
    std::fill_n(image.begin() + 1000000, 8192, std::byte{0x77});
    const auto most = fastboot.max_download();
    ASSERT_TRUE(is_ok(most));
    EXPECT_EQ(*most, 100_KiB);
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image, *most)));
    EXPECT_EQ(userdata(), image);
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, TakesSizesAroundPacketsAndSteps)
{
    auto fastboot = connect();
    for (const std::size_t size : {1U, 2U, 511U, 512U, 513U, 4095U, 4096U, 4097U, 65535U, 65536U, 65537U, 1048577U}) {
        const auto image = noise(size, static_cast<unsigned>(size));
        ASSERT_TRUE(is_ok(flash(fastboot, "userdata", image))) << size;
        EXPECT_EQ(content(range(userdata_at, size)), image) << size;
    }
}

TEST_P(FastbootPhoneTest, SaysWhatItIsAsLkDoes)
{
    auto fastboot = connect();
    const auto value = [&](std::string_view name) { return fastboot.variable(name).value().value_or("(unknown)"); };
    EXPECT_EQ(value("version"), "0.5");
    EXPECT_EQ(value("product"), "salvage_phone");
    EXPECT_EQ(value("max-download-size"), "0x8000000");
    EXPECT_EQ(value("unlocked"), "yes");
    EXPECT_EQ(value("partition-size:userdata"), "200200");
    EXPECT_EQ(value("partition-type:userdata"), "ext4");
    EXPECT_EQ(value("has-slot:userdata"), "(unknown)");
    EXPECT_EQ(value("is-logical:userdata"), "(unknown)");
    const auto all = fastboot.all_variables();
    ASSERT_TRUE(is_ok(all));
    EXPECT_EQ(std::ranges::count(*all, std::pair<std::string, std::string>{"partition-size:boot", "40000"}), 1);
}

TEST_P(FastbootPhoneTest, MayFailAnUnknownVariableInstead)
{
    options_.has_empty_okay = false;
    const auto link_to_phone = (start(), link());
    ASSERT_TRUE(is_ok(link_to_phone->send(as_bytes("getvar:nonsense"), Timeout{5000})));
    EXPECT_EQ(link_to_phone->receive(Timeout{5000}).value(), "FAILGetVar Variable Not found");
}

TEST_P(FastbootPhoneTest, AnswersAnUnknownVariableWithAnEmptyOkay)
{
    const auto link_to_phone = (start(), link());
    ASSERT_TRUE(is_ok(link_to_phone->send(as_bytes("getvar:nonsense"), Timeout{5000})));
    EXPECT_EQ(link_to_phone->receive(Timeout{5000}).value(), "OKAY");
}

TEST_P(FastbootPhoneTest, RefusesInLksWords)
{
    options_.faults.refused_partitions = {"preloader"};
    options_.max_download = 4_MiB;
    auto fastboot = connect();
    expect_refused(flash(fastboot, "preloader", noise(512)), "download for partition 'preloader' is not allowed");
    expect_refused(fastboot.erase("preloader"), "download for partition 'preloader' is not allowed");
    expect_refused(flash(fastboot, "userdata", noise(userdata_bytes + 1)), "size too large");
    expect_refused(flash(fastboot, "userdata", noise(userdata_bytes + 512), 1_MiB), "sparse image size span overflow.");
    expect_refused(flash(fastboot, "boot", noise(4096)), "not a boot image");
    expect_refused(flash(fastboot, "nonsense", noise(512)), "partition doesn't exist");
    expect_refused(flash(fastboot, "userdata", noise(5U << 20U)), "data too large");
    EXPECT_TRUE(flash_->writes().empty());
    EXPECT_TRUE(
        fails_with(fastboot.command("oem nonsense", Fastboot::Patience::usual, RunContext{}), ErrorCode::refused));
}

TEST_P(FastbootPhoneTest, TakesABootImage)
{
    auto image = noise(8192);
    std::ranges::copy(as_bytes("ANDROID!"), image.begin());
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(flash(fastboot, "boot", image)));
    EXPECT_EQ(content(range(boot_at, 8192)), image);
}

TEST_P(FastbootPhoneTest, RefusesEverythingThatWritesWhileItIsLocked)
{
    options_.faults.is_bootloader_locked = true;
    auto fastboot = connect();
    EXPECT_EQ(fastboot.variable("unlocked").value(), "no");
    expect_refused(flash(fastboot, "userdata", noise(4096)), "not allowed in locked state");
    expect_refused(fastboot.erase("userdata"), "not allowed in locked state");
    EXPECT_TRUE(flash_->writes().empty());
}

TEST_P(FastbootPhoneTest, SaysOkayToAnUnlockThatTheOwnerDeclined)
{
    options_.faults.is_bootloader_locked = true;
    auto fastboot = connect();
    EXPECT_TRUE(is_ok(fastboot.command("oem unlock", Fastboot::Patience::waits_for_person, RunContext{})));
    EXPECT_EQ(fastboot.variable("unlocked").value(), "no");
    EXPECT_TRUE(flash_->writes().empty());
    EXPECT_EQ(lines_.size(), 1U);
}

TEST_P(FastbootPhoneTest, MayFailAnUnlockThatTheOwnerDeclined)
{
    options_.faults.is_bootloader_locked = true;
    options_.says_okay_on_no = false;
    auto fastboot = connect();
    EXPECT_TRUE(fails_with(fastboot.command("flashing unlock", Fastboot::Patience::waits_for_person, RunContext{}),
                           ErrorCode::refused));
}

TEST_P(FastbootPhoneTest, ErasesUserdataWhenItIsUnlocked)
{
    options_.faults.is_bootloader_locked = true;
    options_.does_owner_press_yes = true;
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(fastboot.command("oem unlock", Fastboot::Patience::waits_for_person, RunContext{})));
    EXPECT_EQ(fastboot.variable("unlocked").value(), "yes");
    EXPECT_TRUE(is_all_zero(userdata()));
    EXPECT_EQ(content(range(boot_at, 1)).front(), another_rom);
    EXPECT_TRUE(is_ok(flash(fastboot, "userdata", noise(4096))));
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, ErasesAPartitionToItsLastByteAndNoFurther)
{
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(fastboot.erase("userdata")));
    EXPECT_TRUE(is_all_zero(userdata()));
    EXPECT_EQ(content(range(userdata_at + userdata_bytes, 1)).front(), another_rom);
    expect_nothing_outside_written();
}

TEST_P(FastbootPhoneTest, DoesNotWriteOnALowBattery)
{
    options_.is_battery_low = true;
    auto fastboot = connect();
    expect_refused(flash(fastboot, "userdata", noise(4096)), "low power, need battery charging.");
}

TEST_P(FastbootPhoneTest, TakesADownloadForOneFlashOnly)
{
    auto fastboot = connect();
    ASSERT_TRUE(is_ok(flash(fastboot, "userdata", noise(4096))));
    EXPECT_TRUE(
        fails_with(fastboot.command("flash:userdata", Fastboot::Patience::usual, RunContext{}), ErrorCode::refused));
}

TEST_P(FastbootPhoneTest, RebootsAndLetsTheHostGo)
{
    auto fastboot = connect();
    EXPECT_TRUE(is_ok(fastboot.reboot("bootloader")));
    if (GetParam() == Medium::cable) {
        phone_.join();
        EXPECT_TRUE(is_ok(ended_));
    }
}

TEST_P(FastbootPhoneTest, MayAnswerWithAnErrorOnce)
{
    options_.faults.error_status_at = 0;
    auto fastboot = connect();
    EXPECT_FALSE(fastboot.variable("version").value().has_value());
    EXPECT_TRUE(fastboot.variable("version").value().has_value());
}

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

INSTANTIATE_TEST_SUITE_P(Over, FastbootPhoneTest, ::testing::Values(Medium::cable, Medium::tcp, Medium::udp), name_of);

/// What only one medium has.
class FastbootOverCable : public FastbootPhoneTest {};
INSTANTIATE_TEST_SUITE_P(Over, FastbootOverCable, ::testing::Values(Medium::cable), name_of);

TEST_P(FastbootOverCable, IsGivenUpAfterThirtySecondsOfAStallWhichTheClockJumpsOver)
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

Bytes small_sparse()
{
    Bytes image = noise(4096 * 3);
    std::fill_n(image.begin() + 4096, 4096, std::byte{0});
    const auto pieces = io::make_sparse_pieces(io::make_memory(image, "image"), {.max_piece = 1_MiB}).unwrap();
    return io::read_all(*pieces.front(), 1_MiB).unwrap();
}

TEST(FastbootSparse, NeverWritesBeyondThePartitionWhateverTheImageSays)
{
    constexpr std::uint64_t size = 4096 * 3;
    const auto write = [&](ByteOffset at, ByteView bytes) -> Result<> {
        EXPECT_LE(at.value + bytes.size(), size);
        return {};
    };
    const auto image = small_sparse();
    ASSERT_TRUE(is_ok(write_sparse_image(image, ByteCount{size}, write)));
    // Each byte of each header, at each value that is likely to hurt; and each cut.
    for (std::size_t at = 0; at < image.size(); at = at == 40 ? 4136 : at == 4136 + 28 ? image.size() : at + 1) {
        for (const unsigned value : {0x00U, 0x01U, 0x7FU, 0x80U, 0xFFU}) {
            auto damaged = image;
            damaged[at] = static_cast<std::byte>(value);
            ignore(write_sparse_image(damaged, ByteCount{size}, write), "any outcome that writes inside is right");
        }
    }
    for (std::size_t cut = 0; cut < image.size(); cut += 13) {
        EXPECT_TRUE(
            fails_with(write_sparse_image(ByteView{image}.first(cut), ByteCount{size}, write), ErrorCode::refused))
            << cut;
    }
}

TEST(FastbootSparse, RefusesChunksThatDoNotAddUp)
{
    const auto write = [](ByteOffset /*at*/, ByteView /*bytes*/) -> Result<> { return {}; };
    auto image = small_sparse();
    store_le<std::uint32_t>(std::span{image}.subspan(16), 4);
    const auto result = write_sparse_image(image, ByteCount{4096 * 4}, write);
    ASSERT_TRUE(fails_with(result, ErrorCode::refused));
    EXPECT_NE(result.error().what.find("do not add up"), std::string::npos);
}

} // namespace
} // namespace salvage::device
