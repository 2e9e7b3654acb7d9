// The potfile: lines as hashcat writes them, found again, and never in a way that loses one.
#include "salvage/rescue/potfile.hpp"

#include <algorithm>
#include <map>
#include <thread>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;
using test::TemporaryFolder;

std::vector<std::string> found(const std::filesystem::path& path, std::string_view hash)
{
    std::vector<std::string> out;
    for (const auto& secret : find_in_potfile(path, hash).unwrap()) {
        out.emplace_back(as_text(secret.expose()));
    }
    return out;
}

TEST(Potfile, WritesPlainTextAsItIsAndTheRestInHex)
{
    EXPECT_EQ(format_plain(as_bytes("1234")), "1234");
    EXPECT_EQ(format_plain(as_bytes("pass word~")), "pass word~");
    EXPECT_EQ(format_plain(as_bytes("a:b")), "$HEX[613a62]");
    EXPECT_EQ(format_plain(as_bytes(std::string_view{"\0\4\x08", 3})), "$HEX[000408]");
    EXPECT_EQ(format_plain(as_bytes("$HEX[00]")), "$HEX[244845585b30305d]") << "or it would be read back as one byte";
    EXPECT_EQ(format_plain({}), "");
    EXPECT_EQ(format_pot_line("$fde$16$aa", as_bytes("x")), "$fde$16$aa:x\n");
}

TEST(Potfile, GivesBackWhatWasAdded)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "sub" / "folder" / "pot";
    for (const std::string_view secret : {"1234", "a:b", "$HEX[zz]", "", "\x01\xFF"}) {
        ASSERT_TRUE(is_ok(add_to_potfile(path, "hash", as_bytes(secret))));
    }
    ASSERT_TRUE(is_ok(add_to_potfile(path, "hash2", as_bytes("other"))));
    EXPECT_EQ(found(path, "hash"), (std::vector<std::string>{"1234", "a:b", "$HEX[zz]", "", "\x01\xFF"}));
    EXPECT_EQ(found(path, "hash2"), std::vector<std::string>{"other"});
    EXPECT_TRUE(found(path, "has").empty()) << "a beginning is not the hash";
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(Potfile, PassesOverWhatIsNoLineOfIts)
{
    const TemporaryFolder folder;
    const auto path = folder.write("pot", as_bytes("rubbish\n\nhash\nhash:$HEX[0]\nhash:$HEX[30]\nhash:end"));
    EXPECT_EQ(found(path, "hash"), (std::vector<std::string>{"0", "end"}));
}

TEST(Potfile, KeepsItsLineApartFromOneThatWasCut)
{
    const TemporaryFolder folder;
    const auto path = folder.write("pot", as_bytes("other:12"));
    ASSERT_TRUE(is_ok(add_to_potfile(path, "hash", as_bytes("x"))));
    EXPECT_EQ(found(path, "hash"), std::vector<std::string>{"x"});
}

TEST(Potfile, ThatIsNotThereKnowsNothingAndOneThatCannotBeReadIsAnError)
{
    const TemporaryFolder folder;
    EXPECT_TRUE(found(folder.path() / "none", "hash").empty());
    EXPECT_TRUE(fails_with(find_in_potfile(folder.path(), "hash"), ErrorCode::io));
    const auto file = folder.write("file", as_bytes("x"));
    EXPECT_FALSE(add_to_potfile(file / "below", "hash", as_bytes("1")).has_value());
}

TEST(Potfile, TakesLinesOfManySearchesAtOnce)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "pot";
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (unsigned j = 0; j < 25; ++j) {
                    ignore(add_to_potfile(path, "hash", as_bytes("same secret")), "counted below");
                }
            });
        }
    }
    const auto all = found(path, "hash");
    EXPECT_EQ(all.size(), 100U);
    EXPECT_TRUE(std::ranges::all_of(all, [](const auto& secret) { return secret == "same secret"; }));
}

TEST(Potfile, LiesWhereTheSystemKeepsSuchThings)
{
    std::map<std::string, std::string> environment;
    const auto get = [&](const char* name) -> const char* {
        const auto at = environment.find(name);
        return at == environment.end() ? nullptr : at->second.c_str();
    };
    EXPECT_TRUE(default_potfile(get).empty());
    environment["HOME"] = "/home/ann";
    EXPECT_EQ(default_potfile(get), "/home/ann/.local/share/salvage/salvage.potfile");
    environment["XDG_DATA_HOME"] = "/data";
    EXPECT_EQ(default_potfile(get), "/data/salvage/salvage.potfile");
    environment["XDG_DATA_HOME"] = "relative";
    EXPECT_EQ(default_potfile(get), "/home/ann/.local/share/salvage/salvage.potfile");
}

} // namespace
} // namespace salvage::rescue
