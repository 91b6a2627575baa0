"""`fleet completion`: what a shell needs in order to complete fleet's commands."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), help="The shell to complete in.")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      fleet completion bash > ~/.local/share/bash-completion/completions/fleet
      fleet completion zsh > ~/.zfunc/_fleet
      fleet completion fish > ~/.config/fish/completions/fleet.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(context.find_root().command, {}, "fleet", "_FLEET_COMPLETE").source())
