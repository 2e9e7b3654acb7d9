// Whole conversations with a simulated phone whose agent speaks XFlash.
#include <thread>

#include <gtest/gtest.h>

#include "device/mediatek/xflash_link.hpp"
#include "device/mediatek/xflash_storage.hpp"
#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::MediatekPhoneOptions;
using device::PhoneFaults;

constexpr ByteCount mebibyte{1U << 20U};

class XflashRead : public testing::TestWithParam<std::size_t> {};

TEST_P(XflashRead, GivesEachRegionAsItIs)
{
    SimulatedPhone phone{{.flash = small_flash(3 * mebibyte.value + 512), .packet_bytes = GetParam()}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    struct Expected {
        std::string_view name;
        std::size_t bytes;
        std::uint64_t seed;
    };
    for (const auto& [name, bytes, seed] :
         {Expected{"boot1", 256U << 10U, 11}, Expected{"boot2", 256U << 10U, 12}, Expected{"rpmb", 128U << 10U, 13},
          Expected{"user", 3 * mebibyte.value + 512, 14}}) {
        const auto got = read_back(**reader, name, ByteRange::first(ByteCount{bytes}), context);
        ASSERT_TRUE(is_ok(got));
        EXPECT_TRUE(*got == pattern_bytes(bytes, seed)) << name;
    }
}

TEST_P(XflashRead, GivesAnyRangeToTheByte)
{
    const auto all = pattern_bytes(mebibyte.value, 14);
    SimulatedPhone phone{{.flash = small_flash(), .packet_bytes = GetParam()}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    for (const auto start : {0U, 1U, 511U, 512U, 65536U, 1048575U}) {
        for (const auto size : {0U, 1U, 4U, 511U, 513U, 4096U, 65540U}) {
            const auto count = std::min<std::size_t>(size, all.size() - start);
            const auto range = ByteRange::make(ByteOffset{start}, ByteCount{count});
            const auto got = read_back(**reader, "user", *range, context);
            ASSERT_TRUE(is_ok(got));
            EXPECT_TRUE(std::ranges::equal(*got, ByteView{all}.subspan(start, count))) << start << "+" << size;
        }
    }
}

TEST_P(XflashRead, NeverWaitsForBytesThatAreNotDue)
{
    SimulatedPhone phone{{.flash = small_flash(), .packet_bytes = GetParam()}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto connected = context.clock->now();
    ASSERT_TRUE(is_ok(read_back(**reader, "user", ByteRange::first(mebibyte), context)));
    EXPECT_EQ((context.clock->now() - connected).count(), 0);
}

INSTANTIATE_TEST_SUITE_P(Transports, XflashRead, testing::Values(1U, 64U, 512U, 1024U));

TEST(Xflash, ReadsMoreThanOneStretch)
{
    constexpr std::size_t size = (20U << 20U) + 1536;
    SimulatedPhone phone{{.flash = small_flash(size)}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto got = read_back(**reader, "user", ByteRange::first(ByteCount{size}), context);
    ASSERT_TRUE(is_ok(got));
    EXPECT_TRUE(*got == pattern_bytes(size, 14));
}

TEST(Xflash, TellsWhatTheFlashIsMadeOf)
{
    SimulatedPhone phone{{.flash = small_flash()}};
    auto reader = phone.connect()(phone.context());
    ASSERT_TRUE(is_ok(reader));
    const auto& info = (*reader)->storage();
    EXPECT_EQ(info.kind, device::StorageKind::emmc);
    ASSERT_EQ(info.regions.size(), 4U);
    EXPECT_EQ(info.find("boot2")->size.value, 256U << 10U);
    EXPECT_EQ(info.find("user")->id, 8U);
    EXPECT_EQ(info.find("gp1"), nullptr);
    EXPECT_EQ(info.block.value, 512U);
    EXPECT_EQ(info.sram.value, 0x40000U);
    EXPECT_EQ(info.dram.value, 2ULL << 30U);
    EXPECT_EQ(info.firmware_version, 1U);
    EXPECT_EQ((*reader)->identity(), "emmc 90014a53414c56473101123456789a01");
}

TEST(Xflash, ReadsAUfsPhone)
{
    std::vector<device::PhoneFlash::RegionSource> regions;
    regions.push_back({.name = "lu0", .path = {}, .bytes = pattern_bytes(8192, 1)});
    regions.push_back({.name = "lu2", .path = {}, .bytes = pattern_bytes(65536, 2)});
    auto flash = device::PhoneFlash::open(std::move(regions), device::StorageKind::ufs);
    ASSERT_TRUE(is_ok(flash));
    SimulatedPhone phone{{.flash = *flash}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    EXPECT_EQ((*reader)->storage().kind, device::StorageKind::ufs);
    const auto got = read_back(**reader, "lu2", ByteRange::first(ByteCount{65536}), context);
    ASSERT_TRUE(is_ok(got));
    EXPECT_TRUE(*got == pattern_bytes(65536, 2));
}

TEST(Xflash, RefusesARangeBeyondTheRegion)
{
    SimulatedPhone phone{{.flash = small_flash()}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    EXPECT_TRUE(fails_with(read_back(**reader, "user", ByteRange::first(ByteCount{mebibyte.value + 1}), context),
                           ErrorCode::invalid_argument));
}

TEST(Xflash, ReportsABadAreaAndGoesOnBehindIt)
{
    auto flash = small_flash();
    flash->add_bad_area("user", *ByteRange::make(ByteOffset{0x40000}, ByteCount{512}));
    SimulatedPhone phone{{.flash = flash}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto* const user = (*reader)->storage().find("user");
    std::uint64_t good = 0;
    const auto count = [&good](ByteOffset /*at*/, ByteView bytes) -> Result<> {
        good += bytes.size();
        return {};
    };
    const auto read = (*reader)->read(*user, ByteRange::first(mebibyte), count, context);
    ASSERT_TRUE(fails_with(read, ErrorCode::unreadable));
    EXPECT_EQ(good, 0x40000U) << "what lies before the bad area is good";
    EXPECT_EQ(read.error().where->chain.back().at.value, 0x40000U);
    const auto rest = *ByteRange::make(ByteOffset{0x40200}, ByteCount{mebibyte.value - 0x40200});
    const auto got = read_back(**reader, "user", rest, context);
    ASSERT_TRUE(is_ok(got));
    EXPECT_TRUE(std::ranges::equal(*got, ByteView{pattern_bytes(mebibyte.value, 14)}.subspan(0x40200)));
    EXPECT_EQ(phone.plugs(), 1U) << "the session went on";
}

TEST(Xflash, ReadsAnAreaThatOnlyFailedOnce)
{
    auto flash = small_flash();
    flash->add_bad_area("user", *ByteRange::make(ByteOffset{0}, ByteCount{512}), 1);
    SimulatedPhone phone{{.flash = flash}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    const auto range = ByteRange::first(ByteCount{4096});
    EXPECT_TRUE(fails_with(read_back(**reader, "user", range, context), ErrorCode::unreadable));
    EXPECT_TRUE(is_ok(read_back(**reader, "user", range, context)));
}

TEST(Xflash, WritesWhatItIsGivenAndNothingElse)
{
    auto flash = small_flash(4U << 20U);
    SimulatedPhone phone{{.flash = flash}};
    const auto context = phone.context();
    auto writer = phone.open_writer();
    ASSERT_TRUE(is_ok(writer));
    const auto wanted = pattern_bytes((2U << 20U) + 512, 99);
    const auto range = *ByteRange::make(ByteOffset{0x10200}, ByteCount{wanted.size()});
    const auto origin = [&](ByteOffset at, std::span<std::byte> into) -> Result<> {
        std::ranges::copy(ByteView{wanted}.subspan(at.value - 0x10200, into.size()), into.begin());
        return {};
    };
    const auto* const user = (*writer)->storage().find("user");
    ASSERT_TRUE(is_ok((*writer)->write(*user, range, origin, context)));
    const auto got = read_back(**writer, "user", range, context);
    ASSERT_TRUE(is_ok(got));
    EXPECT_TRUE(*got == wanted);
    const auto outside = pattern_bytes(4U << 20U, 14);
    const auto before = read_back(**writer, "user", ByteRange::first(ByteCount{0x10200}), context);
    ASSERT_TRUE(is_ok(before));
    EXPECT_TRUE(std::ranges::equal(*before, ByteView{outside}.first(0x10200)));
    for (const auto& [region, written] : flash->writes()) {
        EXPECT_EQ(region, "user");
        EXPECT_TRUE(range.contains(written));
    }
    EXPECT_TRUE(is_ok((*writer)->finish(device::FlashWriter::Goodbye::fastboot)));
    EXPECT_TRUE(fails_with((*writer)->finish(device::FlashWriter::Goodbye::power_off), ErrorCode::disconnected));
}

TEST(Xflash, DoesNotWriteHalfASector)
{
    SimulatedPhone phone{{.flash = small_flash()}};
    auto writer = phone.open_writer();
    ASSERT_TRUE(is_ok(writer));
    const auto origin = [](ByteOffset, std::span<std::byte>) -> Result<> { return {}; };
    EXPECT_TRUE(fails_with(
        (*writer)->write(*(*writer)->storage().find("user"), ByteRange::first(ByteCount{100}), origin, phone.context()),
        ErrorCode::invalid_argument));
}

TEST(Xflash, BringsUpDramInBromMode)
{
    Bytes preloader(0x400);
    const auto put = [&](std::size_t at, std::string_view text) {
        std::ranges::copy(as_bytes(text), preloader.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, std::string_view{"MMM\x01\x38\0\0\0", 8});
    store_le<std::uint32_t>(std::span{preloader}.subspan(0x20), 0x400);
    store_le<std::uint32_t>(std::span{preloader}.subspan(0x2C), 0x100);
    put(0x200, "MTK_BLOADER_INFO_v20");
    store_le<std::uint32_t>(std::span{preloader}.subspan(0x2FC), 0xFC);
    SimulatedPhone phone{{.flash = small_flash(), .options = {.is_brom = true}, .preloader = preloader}};
    const auto context = phone.context();
    auto reader = phone.connect()(context);
    ASSERT_TRUE(is_ok(reader));
    EXPECT_TRUE(is_ok(read_back(**reader, "user", ByteRange::first(mebibyte), context)));
}

TEST(Xflash, AsksForThePreloaderInBromMode)
{
    SimulatedPhone phone{{.flash = small_flash(), .options = {.is_brom = true}}};
    EXPECT_TRUE(fails_with(phone.connect()(phone.context()), ErrorCode::invalid_argument));
}

/// The host's end of a link to a phone that says what it is told to.
class Script {
public:
    void log(std::string_view text) { packet(device::xflash::kind_log, as_bytes(text)); }
    void status(std::uint32_t value)
    {
        std::array<std::byte, 4> bytes{};
        store_le<std::uint32_t>(bytes, value);
        packet(device::xflash::kind_protocol, bytes);
    }
    void packet(std::uint32_t kind, ByteView payload)
    {
        header(kind, static_cast<std::uint32_t>(payload.size()));
        pipe_.phone->write(payload, device::Timeout{1000}).unwrap();
    }
    void header(std::uint32_t kind, std::uint32_t length)
    {
        std::array<std::byte, 12> bytes{};
        store_le<std::uint32_t>(bytes, device::xflash::packet_magic);
        store_le<std::uint32_t>(std::span{bytes}.subspan(4), kind);
        store_le<std::uint32_t>(std::span{bytes}.subspan(8), length);
        pipe_.phone->write(bytes, device::Timeout{1000}).unwrap();
    }
    void raw(ByteView bytes) { pipe_.phone->write(bytes, device::Timeout{1000}).unwrap(); }
    void hang_up() { pipe_.phone.reset(); }
    [[nodiscard]] device::xflash::Link& link() { return link_; }

private:
    device::Pipe pipe_{device::make_pipe(512)};
    device::Wire wire_{*pipe_.host, device::Timeout{5000}};
    device::xflash::Link link_{wire_};
};

TEST(XflashLink, SkipsTheAgentsLogs)
{
    Script phone;
    phone.log("[0.1] hello\n");
    phone.log("");
    phone.log("[0.2] still here\n");
    phone.status(0);
    EXPECT_TRUE(is_ok(phone.link().expect_okay("a test")));
}

TEST(XflashLink, IsNotKeptBusyByLogsForEver)
{
    Script phone;
    for (int i = 0; i < 10'001; ++i) {
        phone.log("x");
    }
    EXPECT_TRUE(fails_with(phone.link().status(), ErrorCode::malformed));
}

TEST(XflashLink, TakesTheMagicAndAShortZeroForSuccess)
{
    Script phone;
    phone.status(device::xflash::packet_magic);
    phone.packet(device::xflash::kind_protocol, Bytes(2));
    EXPECT_TRUE(is_ok(phone.link().expect_okay("a test")));
    EXPECT_TRUE(is_ok(phone.link().expect_okay("a test")));
}

TEST(XflashLink, SaysWhatAStatusMeans)
{
    Script phone;
    phone.status(0xC0010010);
    const auto answer = phone.link().expect_okay("to read");
    ASSERT_TRUE(fails_with(answer, ErrorCode::refused));
    EXPECT_EQ(answer.error().why, "status 0xc0010010, reading failed");
}

TEST(XflashLink, RefusesPacketsThatAreNone)
{
    for (const auto* const text : {"no packet at all", "\xEF\xEE\xEE\xFE\x03\0\0\0\0\0\0\0"}) {
        Script phone;
        phone.raw(as_bytes(std::string_view{text, 12}));
        EXPECT_TRUE(fails_with(phone.link().status(), ErrorCode::malformed));
    }
}

TEST(XflashLink, DoesNotAllocateWhatThePhoneWishes)
{
    Script phone;
    phone.header(device::xflash::kind_protocol, 0xFFFFFFF0);
    EXPECT_TRUE(fails_with(phone.link().receive(1U << 20U), ErrorCode::malformed));
    Script other;
    other.header(device::xflash::kind_log, 0xFFFFFFF0);
    EXPECT_TRUE(fails_with(other.link().receive(1U << 20U), ErrorCode::malformed));
}

TEST(XflashLink, SaysThatThePhoneHasGoneInTheMiddleOfAPacket)
{
    Script phone;
    phone.header(device::xflash::kind_protocol, 4);
    phone.raw(Bytes(2));
    phone.hang_up();
    EXPECT_TRUE(fails_with(phone.link().status(), ErrorCode::disconnected));
}

TEST(XflashStorage, AnswersCutAtEveryLengthAreErrorsOrAbsent)
{
    Bytes answer(96);
    answer[0] = std::byte{1};
    answer[4 + 1] = std::byte{2};
    answer[8 + 56 + 2] = std::byte{1};
    ASSERT_TRUE(is_ok(device::xflash::parse_emmc_info(answer)));
    for (std::size_t size = 0; size < 88; ++size) {
        EXPECT_TRUE(fails_with(device::xflash::parse_emmc_info(ByteView{answer}.first(size)), ErrorCode::truncated));
    }
    EXPECT_TRUE(is_ok(device::xflash::parse_emmc_info(ByteView{answer}.first(88)))) << "without a firmware version";
}

TEST(XflashStorage, RefusesImpossibleNumbers)
{
    Bytes answer(96);
    answer[0] = std::byte{1};
    EXPECT_TRUE(fails_with(device::xflash::parse_emmc_info(answer), ErrorCode::malformed)) << "no size at all";
    answer[8 + 7] = std::byte{0xFF};
    EXPECT_TRUE(fails_with(device::xflash::parse_emmc_info(answer), ErrorCode::malformed)) << "an endless boot1";
    for (const auto length : {0U, 511U, device::xflash::max_packet_bytes + 1, 0xFFFFFFFFU}) {
        Bytes lengths(8);
        store_le<std::uint32_t>(lengths, 4096);
        store_le<std::uint32_t>(std::span{lengths}.subspan(4), length);
        EXPECT_TRUE(fails_with(device::xflash::parse_packet_lengths(lengths), ErrorCode::malformed)) << length;
    }
}

} // namespace
} // namespace salvage::test
