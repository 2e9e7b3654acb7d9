// What the bytes of a map's cells look like.  The ciphertext is OpenSSL's, the sizes are those a zoom comes through.
#include "salvage/rescue/content.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;

constexpr std::size_t part = 64U << 10U;

ByteRange range_of(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

Bytes ciphertext(std::size_t size)
{
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
    constexpr std::array<unsigned char, 16> key{1, 2, 3};
    const Bytes plain(size);
    Bytes out(size);
    int count = 0;
    EXPECT_EQ(EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ctr(), nullptr, key.data(), key.data()), 1);
    EXPECT_EQ(EVP_EncryptUpdate(cipher.get(), as_uchar(std::span{out}), &count, as_uchar(ByteView{plain}),
                                static_cast<int>(size)),
              1);
    return out;
}

Bytes text(std::size_t size)
{
    constexpr std::string_view sentence =
        "The owner of this phone wrote a message on the 3rd of May, and nobody read it. ";
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<std::byte>(sentence[i % sentence.size()]);
    }
    return out;
}

/// Ciphertext, text, zeros, 64 KiB each.
io::SourcePtr three_kinds()
{
    auto bytes = ciphertext(part);
    const auto words = text(part);
    bytes.insert(bytes.end(), words.begin(), words.end());
    bytes.resize(3 * part);
    return io::make_memory(std::move(bytes), "three kinds");
}

/// Zeros that are stored nowhere before what is.
class AfterHole final : public io::ByteSource {
public:
    AfterHole(ByteCount hole, io::SourcePtr rest) : hole_{hole}, rest_{std::move(rest)} {}
    [[nodiscard]] ByteCount size() const noexcept override { return hole_ + rest_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        const auto zeros = static_cast<std::size_t>(
            std::min<std::uint64_t>(into.size(), hole_.value - std::min(hole_.value, at.value)));
        std::ranges::fill(into.first(zeros), std::byte{0});
        return zeros == into.size() ? Result<>{}
                                    : rest_->read_at(ByteOffset{at.value + zeros - hole_.value}, into.subspan(zeros));
    }
    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        const ByteOffset border{hole_.value};
        return io::merged(
            {{.range = range.intersection(range_of(0, border.value)), .kind = io::ExtentKind::hole},
             {.range = range.intersection(range_of(border.value, size().value)), .kind = io::ExtentKind::data}});
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{"after a hole", at}}}; }

private:
    ByteCount hole_;
    io::SourcePtr rest_;
};

scan::ScanResult scan_of(const io::ByteSource& source, std::uint64_t block)
{
    return scan::scan(source, {.block = ByteCount{block}}, {}).unwrap();
}

std::vector<Looks> looks_of(const std::vector<ContentCell>& cells)
{
    std::vector<Looks> out;
    std::ranges::transform(cells, std::back_inserter(out), &ContentCell::looks);
    return out;
}

std::vector<ContentCell> all_of(const io::ByteSource& source, std::uint64_t block, std::size_t cells)
{
    return look_at_content(source, scan_of(source, block), io::whole(source), cells, {}).unwrap();
}

TEST(Content, IsToldApartInCellsOfEverySize)
{
    const auto source = three_kinds();
    // 64 KiB each from the scan; the others are read, down to a byte.
    for (const std::uint64_t block : {std::uint64_t{part}, std::uint64_t{1U << 20U}}) {
        const auto cells = all_of(*source, block, 3);
        EXPECT_EQ(looks_of(cells), (std::vector{Looks::encrypted, Looks::text, Looks::empty})) << block;
        EXPECT_GT(cells[0].entropy, 7.9);
        EXPECT_GT(cells[1].entropy, 3.5);
        EXPECT_LT(cells[1].entropy, 5);
        EXPECT_DOUBLE_EQ(cells[2].entropy, 0);
    }
    const auto scan = scan_of(*source, 1U << 20U);
    for (const std::uint64_t size : {1U, 16U, 511U, 512U, 1000U, 4096U, 20'000U}) {
        for (std::uint64_t i = 0; i < 3; ++i) {
            const auto start = (i * part) + 8192;
            const auto cells = look_at_content(*source, scan, range_of(start, start + size), 1, {}).unwrap();
            constexpr std::array expected{Looks::encrypted, Looks::text, Looks::empty};
            EXPECT_EQ(cells.at(0).looks, expected.at(i)) << size << " bytes";
        }
    }
}

TEST(Content, CellsAreEqualToAByteAndLeaveNothingOut)
{
    const auto source = three_kinds();
    const auto scan = scan_of(*source, part);
    for (const std::size_t count : {1U, 2U, 7U, 599U, 2000U}) {
        const auto range = range_of(17, (3 * part) - 5);
        const auto cells = look_at_content(*source, scan, range, count, {}).unwrap();
        ASSERT_EQ(cells.size(), count);
        auto at = range.start();
        for (const auto& cell : cells) {
            EXPECT_EQ(cell.range.start(), at);
            EXPECT_LE(cell.range.size().value - (range.size().value / count), 1U);
            at = cell.range.end();
        }
        EXPECT_EQ(at, range.end());
    }
    EXPECT_EQ(look_at_content(*source, scan, range_of(5, 8), 600, {}).unwrap().size(), 3U); // no less than a byte
}

TEST(Content, HolesAndBadAreasAreWhatTheyAre)
{
    const auto bad = io::make_with_bad_areas(three_kinds(), {range_of(0, part + 100)});
    for (const std::uint64_t block : {std::uint64_t{part}, std::uint64_t{1U << 20U}}) {
        const auto cells = all_of(*bad, block, 3);
        EXPECT_EQ(looks_of(cells), (std::vector{Looks::unreadable, Looks::text, Looks::empty})) << block;
        EXPECT_EQ(cells[0].unreadable.value, part);
        EXPECT_LT(cells[0].entropy, 0); // nothing was measured
        EXPECT_EQ(cells[2].unreadable.value, 0U);
    }
    const AfterHole sparse{ByteCount{part}, three_kinds()};
    for (const std::uint64_t block : {std::uint64_t{part}, std::uint64_t{1U << 20U}}) {
        EXPECT_EQ(looks_of(all_of(sparse, block, 4)),
                  (std::vector{Looks::hole, Looks::encrypted, Looks::text, Looks::empty}))
            << block;
    }
}

TEST(Content, ACellIsJudgedByWhatIsStoredInIt)
{
    // The hole at the front is the smaller part, and says nothing about the rest.
    const AfterHole sparse{ByteCount{part / 2}, io::make_memory(ciphertext(part), "ciphertext")};
    EXPECT_EQ(looks_of(all_of(sparse, 1U << 20U, 1)), std::vector{Looks::encrypted});
}

TEST(Content, WhatIsPartlyRandomIsMixed)
{
    Bytes bytes;
    for (std::size_t i = 0; i < 8; ++i) {
        const auto next = i % 2 == 0 ? ciphertext(part) : text(part);
        bytes.insert(bytes.end(), next.begin(), next.end());
    }
    const auto source = io::make_memory(std::move(bytes), "mixed");
    EXPECT_EQ(looks_of(all_of(*source, part, 1)), std::vector{Looks::mixed});
    EXPECT_EQ(looks_of(all_of(*source, part, 2)), (std::vector{Looks::mixed, Looks::mixed}));
    EXPECT_EQ(looks_of(all_of(*source, part, 4)), std::vector(4, Looks::mixed));
    EXPECT_EQ(looks_of(all_of(*source, part, 8)).front(), Looks::encrypted);
}

TEST(Content, AWrongRangeIsRefusedAndAStopObeyed)
{
    const auto source = three_kinds();
    const auto scan = scan_of(*source, part);
    for (const auto& [range, cells] :
         {std::pair{range_of(5, 5), 1U}, std::pair{range_of(0, (3 * part) + 1), 1U}, std::pair{range_of(0, 100), 0U}}) {
        EXPECT_TRUE(fails_with(look_at_content(*source, scan, range, cells, {}), ErrorCode::invalid_argument));
    }
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(look_at_content(*source, scan, range_of(0, 100), 10, context), ErrorCode::cancelled));
}

} // namespace
} // namespace salvage::rescue
