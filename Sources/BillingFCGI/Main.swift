import Glibc

@main
enum Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // A worker is not started by people: it needs no command line parser, and is to be there at once.
        if arguments.first == "worker" { exit(WorkerStart.run(Array(arguments.dropFirst()))) }
        exit(BillingCommand.execute(arguments))
    }
}
