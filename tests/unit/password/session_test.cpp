// Session files: there and back, damaged at every place, and killed at any moment.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "salvage/password/session.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::read_file;
using salvage::test::TemporaryFolder;

SearchState some_state()
{
    return {.target_identity = "footer:0123456789abcdef",
            .keyspace_identity = "pin:4:6:order=1+wordlist:sha256=00",
            .begin = 7,
            .next = 12'345,
            .end = 1'110'000};
}

std::string text_of(const SearchState& state)
{
    return format_session(state).unwrap();
}

TEST(Session, ComesBackAsItWasWritten)
{
    EXPECT_EQ(parse_session(as_bytes(text_of(some_state()))).unwrap(), some_state());
}

TEST(Session, KeepsTheLargestNumbersAndTheStrangestNames)
{
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    SearchState state{.target_identity = "line\nbreak=%41\r\x7F\xC3\xA4" + std::string(1, '\0'),
                      .keyspace_identity = "",
                      .begin = 0,
                      .next = most,
                      .end = most};
    const auto text = text_of(state);
    EXPECT_EQ(std::ranges::count(text, '\n'), 7);
    EXPECT_EQ(parse_session(as_bytes(text)).unwrap(), state);
}

// The page docs/formats/session.md shows this file; the checksum is sha256sum's of the six lines above it.
TEST(Session, IsTheTextThatItsPageShows)
{
    EXPECT_EQ(text_of({.target_identity = "footer:a1",
                       .keyspace_identity = "pin:4:4:order=1",
                       .begin = 0,
                       .next = 512,
                       .end = 10'000}),
              "salvage-session=1\n"
              "target=footer:a1\n"
              "keyspace=pin:4:4:order=1\n"
              "begin=0\n"
              "next=512\n"
              "end=10000\n"
              "check=badce1167a8b785277a9d8f70b679b99557368d4e0dcd93dcb8bbb481f5889ff\n");
}

TEST(Session, CutAtAnyLengthIsAnError)
{
    const auto text = text_of(some_state());
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto parsed = parse_session(as_bytes(std::string_view{text}.substr(0, size)));
        ASSERT_TRUE(fails_with(parsed, ErrorCode::malformed)) << size;
        EXPECT_TRUE(parsed.error().where.has_value()) << size;
    }
}

TEST(Session, WithAnyBitFlippedIsAnError)
{
    const auto text = text_of(some_state());
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto damaged = text;
            damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
            EXPECT_FALSE(parse_session(as_bytes(damaged)).has_value()) << at << ", bit " << bit;
        }
    }
}

TEST(Session, ThatGoesOnAfterItsEndIsAnError)
{
    EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(some_state()) + "x")), ErrorCode::malformed));
}

TEST(Session, OfAnotherVersionSaysSo)
{
    EXPECT_TRUE(fails_with(parse_session(as_bytes("salvage-session=2\n")), ErrorCode::unsupported));
}

TEST(Session, WhoseNumbersContradictEachOtherIsAnErrorThoughItsChecksumHolds)
{
    auto state = some_state();
    state.next = state.end + 1;
    EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(state))), ErrorCode::malformed));
    state = some_state();
    state.begin = state.next + 1;
    EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(state))), ErrorCode::malformed));
}

TEST(Session, BeyondTheBoundIsRefusedBothWays)
{
    auto state = some_state();
    state.keyspace_identity.assign(max_session_bytes.value, 'x');
    EXPECT_TRUE(fails_with(format_session(state), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(parse_session(Bytes(max_session_bytes.value + 1)), ErrorCode::unsupported));
}

TEST(Session, IsSavedForItsOwnerAloneAndLoadedAgain)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.session";
    ASSERT_TRUE(is_ok(save_session(path, some_state())));
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(load_session(path).unwrap(), some_state());
}

TEST(Session, ReplacesTheStateBefore)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.session";
    auto state = some_state();
    for (state.next = 100; state.next < 110; ++state.next) {
        ASSERT_TRUE(is_ok(save_session(path, state)));
        EXPECT_EQ(load_session(path).unwrap(), state);
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder.path()}, {}), 1) << "leftovers";
}

TEST(Session, ThatIsNotThereIsNotFound)
{
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(load_session(folder.path() / "none"), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(load_session(folder.path()), ErrorCode::io));
    EXPECT_FALSE(save_session(folder.path() / "no" / "such" / "folder", some_state()).has_value());
}

TEST(Session, NamesTheFileThatIsDamaged)
{
    const TemporaryFolder folder;
    const auto path = folder.write("bad.session", as_bytes("salvage-session=1\nnonsense\n"));
    const auto loaded = load_session(path);
    ASSERT_TRUE(fails_with(loaded, ErrorCode::malformed));
    EXPECT_NE(to_string(loaded.error()).find("bad.session"), std::string::npos) << to_string(loaded.error());
}

TEST(Session, SurvivesAKillAtAnyMoment)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.session";
    auto state = some_state();
    ASSERT_TRUE(is_ok(save_session(path, state)));
    std::uint64_t last_seen = 0;
    for (unsigned round = 0; round < 20; ++round) {
        const auto child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            for (state.next = last_seen;; state.next = state.next + 1 < state.end ? state.next + 1 : state.begin) {
                state.begin = 0;
                ignore(save_session(path, state), "the parent looks at the file");
            }
        }
        std::this_thread::sleep_for(std::chrono::microseconds{500U + 700U * round});
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        const auto loaded = load_session(path);
        ASSERT_TRUE(is_ok(loaded)) << "round " << round;
        last_seen = loaded->next;
    }
}

/// Judges nothing; only its name is asked for.
class NamedTarget final : public Target {
public:
    explicit NamedTarget(std::string name) : name_{std::move(name)} {}
    Result<bool> accepts(ByteView /*candidate*/) const override { return false; }
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    std::string identity() const override { return name_; }
    ByteCount memory_per_worker() const noexcept override { return ByteCount{0}; }

private:
    std::string name_;
};

TEST(Session, FitsOnlyTheSearchItIsOf)
{
    const auto pins = make_pins(4, 4).unwrap();
    const SearchState state{
        .target_identity = "footer:a", .keyspace_identity = pins->identity(), .begin = 0, .next = 5, .end = 10'000};
    EXPECT_TRUE(is_ok(check_session(state, *pins, NamedTarget{"footer:a"})));
    const auto other_target = check_session(state, *pins, NamedTarget{"footer:b"});
    ASSERT_TRUE(fails_with(other_target, ErrorCode::mismatch));
    EXPECT_NE(other_target.error().why.find("footer:a"), std::string::npos);
    EXPECT_NE(other_target.error().why.find("footer:b"), std::string::npos);
    EXPECT_TRUE(
        fails_with(check_session(state, *make_pins(4, 5).unwrap(), NamedTarget{"footer:a"}), ErrorCode::mismatch));
    auto too_far = state;
    too_far.end = 10'001;
    EXPECT_TRUE(fails_with(check_session(too_far, *pins, NamedTarget{"footer:a"}), ErrorCode::malformed));
}

} // namespace
} // namespace salvage::password
