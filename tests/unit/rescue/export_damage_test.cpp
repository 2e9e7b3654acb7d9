// Exporting from a damaged source: only what cannot be read is lost, and it is named.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "export_support.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::export_all;
using test::fails_with;
using test::FakeFileSystem;
using test::is_ok;
using test::manifest_of;
using test::noise;
using test::sums_agree;
using test::text_of;

constexpr auto root = FakeFileSystem::root_inode;
constexpr std::uint64_t mib = 1U << 20U;

TEST(Export, LosesOnlyWhatCannotBeRead)
{
    FakeFileSystem files;
    auto bytes = noise(8192);
    const auto bad = *ByteRange::make(ByteOffset{1024}, ByteCount{1024});
    files.add_file(root, "damaged", io::make_with_bad_areas(io::make_memory(bytes, "damaged"), {bad}));
    files.add_file(root, "whole", "whole");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(report->failed[0].path, "/damaged");
    EXPECT_EQ(report->failed[0].reason, "2 sectors (1024 bytes) of it could not be read");
    EXPECT_EQ(report->failed[0].lost.value, 1024U);
    EXPECT_TRUE(report->failed[0].is_partial);
    std::fill_n(bytes.begin() + 1024, 1024, std::byte{0});
    EXPECT_EQ(test::read_file(out / "damaged"), bytes);
    auto manifest = manifest_of(out);
    EXPECT_EQ(manifest["/damaged"]["lost_bytes"], 1024);
    EXPECT_TRUE(manifest["/damaged"]["sha256"].is_null());
    EXPECT_TRUE(sums_agree(out)) << "the sums are of the files as they are";
}

/// Fails without having said so: what a dying disk does.
class DyingSource final : public io::ByteSource {
public:
    DyingSource(Bytes bytes, ByteRange bad, ErrorCode code) : bytes_{std::move(bytes)}, bad_{bad}, code_{code} {}
    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{bytes_.size()}; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        if (ByteRange::between(at, at + ByteCount{into.size()}).overlaps(bad_)) {
            return Error{code_, "the disk does not answer", {}, std::nullopt, {}, {}};
        }
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at.value), into.size(), into.begin());
        return {};
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{"dying", at}}}; }

private:
    Bytes bytes_;
    ByteRange bad_;
    ErrorCode code_;
};

TEST(Export, NarrowsAnUnannouncedBadAreaDownToItsSectors)
{
    FakeFileSystem files;
    const auto bad = *ByteRange::make(ByteOffset{(mib) + 700}, ByteCount{10});
    files.add_file(root, "dying", std::make_shared<DyingSource>(noise((2 * mib) + 77), bad, ErrorCode::unreadable));
    const test::TemporaryFolder folder;
    const auto report = export_all(files, folder.path() / "files");
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(report->failed[0].reason, "1 sector (512 bytes) of it could not be read");
}

TEST(Export, GoesOnBehindAFileWhoseMapIsDamaged)
{
    FakeFileSystem files;
    const auto bad = *ByteRange::make(ByteOffset{0}, ByteCount{10});
    files.add_file(root, "a", std::make_shared<DyingSource>(noise(3 * mib), bad, ErrorCode::malformed));
    const auto closed = files.add_file(root, "b", "x");
    files.node(closed).damage = malformed(ByteOffset{0}, "the inode is damaged");
    files.add_file(root, "c", "good");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 2U);
    EXPECT_EQ(report->failed[0].lost.value, mib);
    EXPECT_FALSE(report->failed[1].is_partial);
    EXPECT_FALSE(std::filesystem::exists(out / "b"));
    EXPECT_EQ(text_of(out / "c"), "good");
}

TEST(Export, TakesAFewIoFailuresForDamageAndManyForALostSource)
{
    FakeFileSystem files;
    const auto bad = *ByteRange::make(ByteOffset{0}, ByteCount{10});
    for (int i = 0; i < 15; ++i) {
        files.add_file(root, fmt::format("{:02}", i), std::make_shared<DyingSource>(noise(100), bad, ErrorCode::io));
    }
    files.add_file(root, "99", "good");
    {
        const test::TemporaryFolder folder;
        const auto report = export_all(files, folder.path() / "files");
        ASSERT_TRUE(is_ok(report));
        EXPECT_EQ(report->failed.size(), 15U);
        EXPECT_EQ(report->files, 1U);
    }
    files.add_file(root, "16", std::make_shared<DyingSource>(noise(100), bad, ErrorCode::io));
    const test::TemporaryFolder folder;
    EXPECT_TRUE(fails_with(export_all(files, folder.path() / "files"), ErrorCode::io));
}

} // namespace
} // namespace salvage::rescue
