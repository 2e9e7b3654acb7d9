// Small volumes that Debian's kernel wrote, against the kernel's own listing of them.
#include <fmt/format.h>

#include "f2fs_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

std::filesystem::path listing(const std::string& name)
{
    return sample("../unit/filesystem") / name;
}

char letter_of(EntryType type)
{
    constexpr std::string_view letters{"fdlpscbU"};
    return letters[static_cast<std::size_t>(type)];
}

std::string time_text(const filesystem::Timestamp& time)
{
    return fmt::format("{}.{:09}0", time.seconds, time.nanoseconds);
}

class F2fsKernel : public ::testing::TestWithParam<const char*> {
protected:
    std::string name{GetParam()};
    std::unique_ptr<const filesystem::FileSystem> fs{open_f2fs(kernel_volume(name))};
    std::map<std::string, Entry> entries{walk_all(*fs)};
};

TEST_P(F2fsKernel, EveryEntryIsAsTheKernelListsIt)
{
    const bool is_recovered = name == "small_dirty"; // the kernel's recovery wrote its own time into folders
    std::size_t compared = 0;
    for (const auto& row : rows_of(listing("f2fs_" + name + ".entries"))) {
        const auto& path = row.at(9);
        if (path.starts_with("secret/")) {
            continue; // what a kernel without the key shows has its own form
        }
        const auto found = entries.find(path);
        ASSERT_NE(found, entries.end()) << path;
        const auto& entry = found->second;
        EXPECT_EQ(std::string(1, letter_of(entry.type)), row.at(0)) << path;
        EXPECT_EQ(fmt::format("{:o}", entry.mode), row.at(2)) << path;
        EXPECT_EQ(std::to_string(entry.uid), row.at(3)) << path;
        EXPECT_EQ(std::to_string(entry.gid), row.at(4)) << path;
        EXPECT_EQ(std::to_string(entry.links), row.at(7)) << path;
        if (!is_recovered || entry.type != EntryType::directory) {
            EXPECT_EQ(std::to_string(entry.size.value), row.at(1)) << path;
            EXPECT_EQ(time_text(entry.modified), row.at(5)) << path;
            EXPECT_EQ(time_text(entry.changed), row.at(6)) << path;
        }
        if (entry.type == EntryType::symlink) {
            EXPECT_EQ(fs->read_link(entry.inode).value(), row.at(8)) << path;
        }
        ++compared;
    }
    const auto secrets =
        std::ranges::count_if(entries, [](const auto& item) { return item.first.starts_with("secret/"); });
    EXPECT_EQ(compared + static_cast<std::size_t>(secrets), entries.size());
}

TEST_P(F2fsKernel, EveryContentIsAsTheKernelReadIt)
{
    std::size_t compared = 0;
    for (const auto& row : rows_of(listing("f2fs_" + name + ".sums"))) {
        const auto& path = row.at(1);
        ASSERT_TRUE(entries.contains(path)) << path;
        EXPECT_EQ(sha256(content_of(*fs, entries.at(path).inode)), row.at(0)) << path;
        ++compared;
    }
    EXPECT_GE(compared, 5U);
}

INSTANTIATE_TEST_SUITE_P(Volumes, F2fsKernel, ::testing::Values("small_clean", "small_dirty"));

class F2fsSmall : public ::testing::Test {
protected:
    std::unique_ptr<const filesystem::FileSystem> fs{open_f2fs(kernel_volume("small_clean"))};
    [[nodiscard]] Entry at(std::string_view path) const { return filesystem::find_path(*fs, path).value(); }
};

TEST_F(F2fsSmall, HasNothingToReport)
{
    EXPECT_EQ(fs->label(), "small");
    for (const auto& finding : fs->findings()) {
        ADD_FAILURE() << finding.code << ": " << finding.text;
    }
}

TEST_F(F2fsSmall, HolesAreHoles)
{
    const auto source = fs->open(at("deep").inode).value();
    EXPECT_EQ(source->size().value, 2075608ULL * 4096);
    const auto extents = source->extents(io::whole(*source)).value();
    std::vector<std::uint64_t> data;
    for (const auto& extent : extents) {
        if (extent.kind == io::ExtentKind::data) {
            EXPECT_EQ(extent.range.size().value, 4096U);
            data.push_back(extent.range.start().value / 4096);
        }
    }
    EXPECT_EQ(data, (std::vector<std::uint64_t>{0, 923, 3300, 2075607}));
}

TEST_F(F2fsSmall, ALongAttributeGoesOnInItsNode)
{
    const auto attributes = fs->extended_attributes(at("inline").inode).value();
    ASSERT_EQ(attributes.size(), 1U);
    EXPECT_EQ(attributes[0].first, "user.large");
    EXPECT_TRUE(as_text(attributes[0].second).starts_with("1 2 3 4 5 6 7 8 9 10 "));
    EXPECT_GE(attributes[0].second.size(), 2499U);
}

TEST_F(F2fsSmall, EncryptedFilesAreShownAsSuch)
{
    const auto folder = at("secret");
    EXPECT_TRUE(folder.is_encrypted);
    const auto secrets = fs->list(folder.inode).value();
    ASSERT_EQ(secrets.size(), 1U);
    EXPECT_TRUE(secrets[0].is_encrypted);
    EXPECT_EQ(secrets[0].type, EntryType::file);
    EXPECT_NE(secrets[0].name, "a name that nobody may read");
    const auto bytes = content_of(*fs, secrets[0].inode);
    EXPECT_EQ(bytes.size(), 9U);
    EXPECT_NE(as_text(bytes), "a secret\n");
}

TEST_F(F2fsSmall, DevicesAndBirthTimesAreThere)
{
    const auto device = at("device");
    EXPECT_EQ(device.device, 259ULL << 32U | 70000U);
    ASSERT_TRUE(device.created.has_value());
    EXPECT_LE(*device.created, device.modified);
    EXPECT_EQ(at("many/hard").inode, at("blocks").inode);
}

TEST(F2fsDirty, SaysThatItWasRolledForward)
{
    const auto fs = open_f2fs(kernel_volume("small_dirty"));
    ASSERT_EQ(fs->findings().size(), 1U);
    const auto& finding = fs->findings()[0];
    EXPECT_EQ(finding.code, "f2fs-rolled-forward");
    const std::map<std::string, std::uint64_t> numbers{finding.numbers.begin(), finding.numbers.end()};
    EXPECT_EQ(numbers.at("files"), 5U);
    EXPECT_EQ(numbers.at("names"), 2U);
    EXPECT_TRUE(fails_with(filesystem::find_path(*fs, "never-synced"), ErrorCode::not_found));
    const auto replaced = filesystem::find_path(*fs, "replaced").value();
    EXPECT_EQ(as_text(content_of(*fs, replaced.inode)), "new\n");
}

} // namespace
} // namespace salvage::test
