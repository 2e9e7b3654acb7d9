// Conversions: names, bad areas, stops and full disks.
#include "salvage/rescue/convert.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <stop_token>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/e01.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;
using test::run_command;
using test::TemporaryFolder;

constexpr std::size_t size = 5U << 20U;

Bytes content_of(std::size_t bytes)
{
    Bytes out(bytes);
    std::mt19937 random{9};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = i / 700'000 % 2 == 0 ? static_cast<std::byte>(random()) : std::byte{0};
    }
    return out;
}

Dump dump_of(io::SourcePtr source)
{
    Dump out;
    out.path = "phone.img";
    out.container = "raw";
    out.source = std::move(source);
    return out;
}

constexpr std::array all_formats{ConvertFormat::raw, ConvertFormat::split, ConvertFormat::android_sparse,
                                 ConvertFormat::e01, ConvertFormat::zstd_seekable};

ConvertOptions options_of(ConvertFormat format)
{
    ConvertOptions out;
    out.format = format;
    out.segment = ByteCount{1U << 20U};
    out.read_back = ReadAgain::yes;
    return out;
}

TEST(Convert, GivesEveryFormatTheSameContentWhateverTheNumberOfThreads)
{
    const auto content = content_of(size);
    for (const auto format : all_formats) {
        for (const unsigned workers : {1U, 3U}) {
            SCOPED_TRACE(to_string(format));
            const TemporaryFolder folder;
            auto options = options_of(format);
            options.workers = workers;
            const auto report =
                convert(dump_of(io::make_memory(content, "phone.img")), folder.path() / "out", options, {});
            ASSERT_TRUE(is_ok(report));
            EXPECT_TRUE(report->is_read_back);
            EXPECT_EQ(report->sha256, to_hex(crypto::sha256(content)));
            EXPECT_TRUE(report->lost.empty() && report->map.empty());
            EXPECT_TRUE(format != ConvertFormat::split || report->files.size() == 5);
            EXPECT_TRUE(format != ConvertFormat::e01 || report->files.size() >= 3);
            const auto source = io::open_any(report->files.front());
            ASSERT_TRUE(is_ok(source));
            const auto all = io::read_all(**source, ByteCount{size});
            ASSERT_TRUE(is_ok(all));
            EXPECT_TRUE(*all == content);
        }
    }
}

TEST(Convert, KeepsBadAreasKnownInEveryFormat)
{
    const auto bad = ByteRange::between(ByteOffset{8192}, ByteOffset{16384});
    auto content = content_of(size);
    const auto source = io::make_with_bad_areas(io::make_memory(content, "phone.img"), {bad});
    std::fill(content.begin() + 8192, content.begin() + 16384, std::byte{0});
    for (const auto format : all_formats) {
        SCOPED_TRACE(to_string(format));
        const TemporaryFolder folder;
        const auto report = convert(dump_of(source), folder.path() / "out", options_of(format), {});
        ASSERT_TRUE(is_ok(report));
        EXPECT_EQ(report->lost, std::vector{bad});
        EXPECT_EQ(report->sha256, to_hex(crypto::sha256(content))) << "zeros stand for what is lost";
        const auto again =
            open_dump({.path = report->files.front(), .layout_files = {}, .footer_file = {}, .map_file = {}});
        ASSERT_TRUE(is_ok(again));
        EXPECT_TRUE(fails_with(io::read_bytes(*again->source, ByteOffset{9000}, ByteCount{1}), ErrorCode::unreadable));
        EXPECT_TRUE(is_ok(io::read_bytes(*again->source, ByteOffset{16384}, ByteCount{100})));
    }
}

TEST(Convert, MakesAnE01WithMd5AloneThatEwfverifyFindsWhole)
{
    const TemporaryFolder folder;
    const auto content = content_of(size);
    auto options = options_of(ConvertFormat::e01);
    options.hashes = E01Hashes::md5;
    const auto dump = dump_of(io::make_memory(content, "phone.img"));
    const auto report = convert(dump, folder.path() / "out", options, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->is_read_back);
    EXPECT_TRUE(report->sha256.empty() && report->sha1.empty() && report->sums.empty());
    EXPECT_FALSE(std::filesystem::exists(report->files.front() + ".sha256"));
    const auto again = io::open_e01(report->files.front());
    ASSERT_TRUE(is_ok(again));
    ASSERT_TRUE(again->info.md5);
    EXPECT_EQ(to_hex(*again->info.md5), report->md5);
    EXPECT_FALSE(again->info.sha1);
    // Another format cannot do without SHA-256: it has nothing of its own.
    options.format = ConvertFormat::raw;
    EXPECT_TRUE(fails_with(convert(dump, folder.path() / "raw", options, {}), ErrorCode::invalid_argument));
    if (!run_command("command -v ewfverify")) {
        GTEST_SKIP() << "ewfverify is not installed";
    }
    EXPECT_TRUE(run_command(fmt::format("ewfverify -q '{}' 2>&1", report->files.front())));
}

TEST(Convert, LeavesNothingThatLooksWholeWhenItIsStopped)
{
    for (const auto format : all_formats) {
        SCOPED_TRACE(to_string(format));
        const TemporaryFolder folder;
        std::stop_source stop;
        stop.request_stop();
        RunContext context;
        context.stop = stop.get_token();
        const auto dump = dump_of(io::make_memory(content_of(size), "phone.img"));
        EXPECT_TRUE(
            fails_with(convert(dump, folder.path() / "out", options_of(format), context), ErrorCode::cancelled));
        for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
            EXPECT_EQ(entry.path().extension(), ".partial") << entry.path();
        }
        EXPECT_TRUE(is_ok(convert(dump, folder.path() / "out", options_of(format), {}))) << "and the next run is free";
    }
}

TEST(Convert, NeverWritesOverWhatIsThere)
{
    for (const auto format : all_formats) {
        for (const auto* const ending : {"", ".map", ".sha256"}) {
            const TemporaryFolder folder;
            const std::string name = format == ConvertFormat::split ? "out.001"
                                     : format == ConvertFormat::e01 ? "out.E01"
                                                                    : "out";
            const auto path = folder.write(name + ending, as_bytes("mine"));
            const auto dump = dump_of(io::make_memory(content_of(size), "phone.img"));
            EXPECT_TRUE(
                fails_with(convert(dump, folder.path() / "out", options_of(format), {}), ErrorCode::already_exists))
                << name << ending;
            EXPECT_EQ(as_text(test::read_file(path)), "mine");
        }
    }
    const TemporaryFolder folder;
    (void)folder.write("out.006", as_bytes("of another image"));
    const auto dump = dump_of(io::make_memory(content_of(size), "phone.img"));
    EXPECT_TRUE(fails_with(convert(dump, folder.path() / "out", options_of(ConvertFormat::split), {}),
                           ErrorCode::already_exists));
}

TEST(Convert, RefusesSizesAFormatCannotHave)
{
    const TemporaryFolder folder;
    const auto odd = dump_of(io::make_memory(content_of(4096 + 100), "phone.img"));
    EXPECT_TRUE(fails_with(convert(odd, folder.path() / "a", options_of(ConvertFormat::android_sparse), {}),
                           ErrorCode::unsupported));
    EXPECT_TRUE(
        fails_with(convert(odd, folder.path() / "b", options_of(ConvertFormat::e01), {}), ErrorCode::unsupported));
    auto tiny = options_of(ConvertFormat::split);
    tiny.segment = ByteCount{4096};
    EXPECT_TRUE(fails_with(convert(odd, folder.path() / "c", tiny, {}), ErrorCode::invalid_argument));
    for (const auto format : {ConvertFormat::raw, ConvertFormat::split, ConvertFormat::zstd_seekable}) {
        EXPECT_TRUE(is_ok(convert(odd, folder.path() / to_string(format), options_of(format), {})));
        const auto empty = dump_of(io::make_memory({}, "phone.img"));
        EXPECT_TRUE(
            is_ok(convert(empty, folder.path() / fmt::format("empty-{}", to_string(format)), options_of(format), {})));
    }
}

TEST(Convert, ChoosesTheFormatByTheName)
{
    EXPECT_EQ(convert_format_of("a.E01"), ConvertFormat::e01);
    EXPECT_EQ(convert_format_of("a.img.zst"), ConvertFormat::zstd_seekable);
    EXPECT_EQ(convert_format_of("a.simg"), ConvertFormat::android_sparse);
    EXPECT_EQ(convert_format_of("a.001"), ConvertFormat::split);
    EXPECT_EQ(convert_format_of("a.img"), ConvertFormat::raw);
    for (const auto format : all_formats) {
        EXPECT_EQ(convert_format_from(to_string(format)), format);
    }
    EXPECT_FALSE(convert_format_from("aff").has_value());
}

TEST(Convert, EndsWithTheSourcesOwnError)
{
    const TemporaryFolder folder;
    const auto dump = dump_of(io::make_faulty(io::make_memory(content_of(size), "phone.img"), 3));
    EXPECT_TRUE(fails_with(convert(dump, folder.path() / "out", options_of(ConvertFormat::e01), {}), ErrorCode::io));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "out.E01"));
}

} // namespace
} // namespace salvage::rescue
