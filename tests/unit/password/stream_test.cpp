// Words from a pipe: asked for by many threads, in any order, while they come.
#include <chrono>
#include <future>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "combine_support.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/password/combine.hpp"
#include "salvage/password/rules.hpp"
#include "salvage/password/stream.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using test::in_pieces_by_threads;
using test::Words;
using test::words_of;

/// A pipe and a thread that writes into it.
class Pipe {
public:
    Pipe()
    {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error{"no pipe can be made"};
        }
        reading_ = OwnedDescriptor{ends[0]};
        writing_ = OwnedDescriptor{ends[1]};
    }
    [[nodiscard]] int reading() const { return reading_.get(); }
    void write(std::string_view text) const
    {
        while (!text.empty()) {
            const auto done = ::write(writing_.get(), text.data(), text.size());
            if (done <= 0) {
                return;
            }
            text.remove_prefix(static_cast<std::size_t>(done));
        }
    }
    void end() { writing_.close(); }
    void write_in_background(std::string text)
    {
        writer_ = std::jthread{[this, text = std::move(text)] {
            write(text);
            end();
        }};
    }

private:
    OwnedDescriptor reading_;
    OwnedDescriptor writing_;
    std::jthread writer_; ///< ends before the pipe does
};

std::string lines(std::size_t count)
{
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        out += fmt::format("word{}\n", i);
    }
    return out;
}

Words numbered(std::size_t first, std::size_t count)
{
    Words out;
    for (std::size_t i = first; i < first + count; ++i) {
        out.emplace_back(fmt::format("word{}", i));
    }
    return out;
}

TEST(Stream, HasAWordALineUntilItEnds)
{
    Pipe pipe;
    pipe.write("alpha\nbeta\r\n\n$HEX[616263]\nlast");
    pipe.end();
    const auto stream = make_stream(pipe.reading());
    EXPECT_TRUE(stream->is_open_ended());
    EXPECT_EQ(words_of(*stream, 0, 3), (Words{"alpha", "beta", ""}));
    EXPECT_EQ(words_of(*stream, 3, 100), (Words{"abc", "last"}));
    EXPECT_EQ(words_of(*stream, 5, 100), Words{});
    EXPECT_EQ(words_of(*stream, 1'000'000, 1), Words{});
}

TEST(Stream, RejectsLinesThatNobodyTypesAndCountsThem)
{
    Pipe pipe;
    pipe.write("a\n" + std::string(max_word_bytes + 1, 'x') + "\nb\n");
    pipe.end();
    const auto stream = make_stream(pipe.reading());
    EXPECT_EQ(words_of(*stream, 0, 9), (Words{"a", std::nullopt, "b"}));
    EXPECT_NE(stream->description().find("1 lines over 1024 bytes"), std::string::npos) << stream->description();
    EXPECT_EQ(stream->identity(), "stdin");
}

TEST(Stream, GivesEveryWordOnceToThreadsInAnyOrder)
{
    constexpr std::size_t count = 50'000;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        Pipe pipe;
        pipe.write_in_background(lines(count));
        const auto stream = make_stream(pipe.reading());
        EXPECT_EQ(in_pieces_by_threads(*stream, count, 3000, seed), numbered(0, count));
    }
}

TEST(Stream, WaitsForWordsThatAreNotWrittenYet)
{
    Pipe pipe;
    const auto stream = make_stream(pipe.reading());
    auto later = std::async(std::launch::async, [&] { return words_of(*stream, 2, 2); });
    pipe.write("word0\nword1\nwo");
    EXPECT_EQ(words_of(*stream, 0, 2), numbered(0, 2)) << "what is there is given while the other waits";
    EXPECT_EQ(later.wait_for(std::chrono::milliseconds{20}), std::future_status::timeout);
    pipe.write("rd2\nword3\n");
    EXPECT_EQ(later.get(), numbered(2, 2));
    pipe.end();
}

TEST(Stream, StopsWaitingWhenAsked)
{
    Pipe pipe;
    std::stop_source stop;
    const auto stream = make_stream(pipe.reading(), {.stop = stop.get_token()});
    const auto ask = [&] {
        Candidate word;
        return stream->candidates(0, std::span{&word, 1});
    };
    auto first = std::async(std::launch::async, ask);
    auto second = std::async(std::launch::async, ask);
    stop.request_stop();
    EXPECT_TRUE(fails_with(first.get(), ErrorCode::cancelled));
    EXPECT_TRUE(fails_with(second.get(), ErrorCode::cancelled));
}

TEST(Stream, GivesRecentWordsOnceMore)
{
    Pipe pipe;
    pipe.write_in_background(lines(10'000));
    const auto stream = make_stream(pipe.reading());
    EXPECT_EQ(words_of(*stream, 0, 10'000), numbered(0, 10'000));
    EXPECT_EQ(words_of(*stream, 5000, 3000), numbered(5000, 3000));
}

TEST(Stream, CannotGoBackToWhatIsGone)
{
    constexpr std::size_t count = 200'000;
    Pipe pipe;
    pipe.write_in_background(lines(count));
    const auto stream = make_stream(pipe.reading(), {.kept = ByteCount{1U << 20U}});
    EXPECT_EQ(words_of(*stream, 0, count), numbered(0, count)) << "a request may be larger than what is kept";
    Candidate word;
    const auto again = stream->candidates(0, std::span{&word, 1});
    ASSERT_TRUE(fails_with(again, ErrorCode::unsupported));
    EXPECT_NE(again.error().what.find("cannot be read again"), std::string::npos);
    EXPECT_EQ(words_of(*stream, count - 10'000, 10'000), numbered(count - 10'000, 10'000));
}

TEST(Stream, KeepsWhatNobodyHadBeforeWhatSomebodyHad)
{
    constexpr std::size_t count = 200'000;
    Pipe pipe;
    pipe.write_in_background(lines(count));
    const auto stream = make_stream(pipe.reading(), {.kept = ByteCount{1U << 20U}});
    EXPECT_EQ(words_of(*stream, 10'000, count - 10'000), numbered(10'000, count - 10'000));
    EXPECT_EQ(words_of(*stream, 0, 8192), numbered(0, 8192)) << "a slow thread comes late";
}

TEST(Stream, SkipsByReading)
{
    constexpr std::size_t count = 300'000;
    Pipe pipe;
    pipe.write_in_background(lines(count));
    const auto stream = make_stream(pipe.reading(), {.kept = ByteCount{1U << 20U}});
    EXPECT_EQ(words_of(*stream, count - 5, 10), numbered(count - 5, 5));
}

TEST(Stream, ThatCannotBeReadIsAnError)
{
    const auto stream = make_stream(-1);
    Candidate word;
    // poll() passes over a descriptor below 0; one that is not open fails.
    const OwnedDescriptor folder{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    EXPECT_TRUE(fails_with(make_stream(folder.get())->candidates(0, std::span{&word, 1}), ErrorCode::io));
}

TEST(Stream, GoesThroughRulesAndCombinations)
{
    const auto rules = RuleSet::parse("u\n$1\n<4", "r").unwrap();
    Pipe pipe;
    pipe.write("ab\ncdefg\n");
    pipe.end();
    const auto with_rules = make_rules(make_stream(pipe.reading()), rules);
    ASSERT_TRUE(is_ok(with_rules));
    EXPECT_TRUE((*with_rules)->is_open_ended());
    EXPECT_EQ(words_of(**with_rules, 0, 2), (Words{"AB", "ab1"}));
    EXPECT_EQ(words_of(**with_rules, 2, 100), (Words{"ab", "CDEFG", "cdefg1", std::nullopt}));

    Pipe other;
    other.write("x\ny\n");
    other.end();
    const auto combined = make_combinator(make_stream(other.reading()), make_list({"1", "2"}, "digits"));
    ASSERT_TRUE(is_ok(combined));
    EXPECT_EQ(words_of(**combined, 0, 100), (Words{"x1", "x2", "y1", "y2"}));
    EXPECT_TRUE(fails_with(make_combinator(make_list({"1"}, "digits"), make_stream(other.reading())),
                           ErrorCode::invalid_argument));
}

TEST(Stream, ThroughRulesCoversEachOnceForManyThreads)
{
    constexpr std::size_t count = 2000;
    const auto rules = RuleSet::parse(":\n$a\n$b\n$c\n$d\n$e\n$f", "r").unwrap();
    Pipe pipe;
    pipe.write_in_background(lines(count));
    const auto keyspace = make_rules(make_stream(pipe.reading()), rules).unwrap();
    Words expected;
    for (std::size_t i = 0; i < count; ++i) {
        for (const auto* const end : {"", "a", "b", "c", "d", "e", "f"}) {
            expected.emplace_back(fmt::format("word{}{}", i, end));
        }
    }
    EXPECT_EQ(in_pieces_by_threads(*keyspace, expected.size(), 50, 4), expected);
}

} // namespace
} // namespace salvage::password
