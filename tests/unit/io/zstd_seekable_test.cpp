// Seekable zstd: ours for zstd itself, and what is damaged or has no table.
#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/zstd_seekable.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;
using test::run_command;
using test::TemporaryFolder;

Bytes content_of(std::size_t size)
{
    Bytes out(size);
    std::mt19937 random{5};
    std::ranges::generate(out, [&] { return static_cast<std::byte>(random() % 7); });
    return out;
}

Bytes pack(ByteView content, std::size_t frame)
{
    Bytes out;
    ZstdSeekTable table;
    while (!content.empty()) {
        const auto part = content.first(std::min(frame, content.size()));
        const auto packed = pack_zstd_frame(part, 1).value();
        out.insert(out.end(), packed.begin(), packed.end());
        EXPECT_TRUE(is_ok(table.add(packed.size(), part.size())));
        content = content.subspan(part.size());
    }
    const auto encoded = table.encode();
    out.insert(out.end(), encoded.begin(), encoded.end());
    return out;
}

Result<SourcePtr> open(const Bytes& packed)
{
    return make_zstd_seekable(make_memory(packed, "x.zst"));
}

TEST(ZstdSeekable, GivesBackWhatWasPackedAndZstdDoesToo)
{
    const TemporaryFolder folder;
    for (const std::size_t size : {0U, 1U, 999U, 1000U, 1001U, 10'500U}) {
        const auto content = content_of(size);
        const auto packed = pack(content, 1000);
        const auto source = open(packed);
        ASSERT_TRUE(is_ok(source));
        ASSERT_EQ((*source)->size().value, size);
        const auto all = read_all(**source, ByteCount{size});
        ASSERT_TRUE(is_ok(all));
        EXPECT_TRUE(*all == content);
        const auto raw = folder.write("raw", content);
        const auto path = folder.write("x.zst", packed);
        EXPECT_TRUE(run_command(fmt::format("zstd -q -dc '{}' | cmp - '{}' && echo same", path.string(), raw.string())))
            << "zstd -d passes over the table; " << size;
    }
}

TEST(ZstdSeekable, IsReadAcrossFrames)
{
    const auto content = content_of(5500);
    const auto source = open(pack(content, 1000));
    ASSERT_TRUE(is_ok(source));
    for (const std::size_t at : {0U, 1U, 999U, 1000U, 4321U}) {
        const auto part = read_bytes(**source, ByteOffset{at}, ByteCount{1179});
        ASSERT_TRUE(is_ok(part));
        EXPECT_TRUE(std::ranges::equal(*part, ByteView{content}.subspan(at, 1179)));
    }
}

TEST(ZstdSeekable, WithoutATableIsRefusedWithAdvice)
{
    const TemporaryFolder folder;
    const auto raw = folder.write("raw", content_of(100'000));
    ASSERT_TRUE(run_command(fmt::format("zstd -q '{0}' -o '{0}.zst' && echo yes", raw.string())));
    const auto plain = open_any(raw.string() + ".zst");
    ASSERT_TRUE(fails_with(plain, ErrorCode::unsupported));
    EXPECT_NE(plain.error().hint.find("zstd -d"), std::string::npos);
}

TEST(ZstdSeekable, LosesNoMoreThanTheFrameThatIsDamaged)
{
    const auto content = content_of(5000);
    auto packed = pack(content, 1000);
    packed[40] ^= std::byte{0x10};
    const auto source = open(packed);
    ASSERT_TRUE(is_ok(source));
    const auto bad = read_bytes(**source, ByteOffset{7}, ByteCount{1});
    ASSERT_TRUE(fails_with(bad, ErrorCode::unreadable));
    EXPECT_EQ(bad.error().where->chain.front().source, "x.zst");
    const auto rest = read_bytes(**source, ByteOffset{1000}, ByteCount{4000});
    ASSERT_TRUE(is_ok(rest));
    EXPECT_TRUE(std::ranges::equal(*rest, ByteView{content}.subspan(1000)));
}

TEST(ZstdSeekable, CutOrWithAnyByteOfTheTableChangedIsAnErrorOrTheContent)
{
    const auto content = content_of(5000);
    const auto packed = pack(content, 1000);
    const auto table_bytes = ZstdSeekTable{}.encode().size() + (std::size_t{5} * 8);
    for (std::size_t cut = 1; cut < packed.size(); cut += 7) {
        EXPECT_FALSE(open({packed.begin(), packed.end() - static_cast<std::ptrdiff_t>(cut)}).has_value()) << cut;
    }
    for (std::size_t i = packed.size() - table_bytes; i < packed.size(); ++i) {
        for (const unsigned bits : {0x01U, 0x80U, 0xFFU}) {
            auto changed = packed;
            changed[i] ^= static_cast<std::byte>(bits);
            const auto source = open(changed);
            if (!source.has_value()) {
                EXPECT_FALSE(source.error().what.empty());
                continue;
            }
            const auto all = read_all(**source, ByteCount{1U << 28U});
            EXPECT_TRUE(!all.has_value() || *all == content) << "byte " << i << ", bits " << bits;
        }
    }
}

} // namespace
} // namespace salvage::io
